"""The same recipe under several seeds: one table of variants with paired intervals.

    gain of a variant = mean over seeds of (its test AUC - the base's of the same seed),
    interval: t distribution over the seeds, 95 %

The chosen variant is a row of its own: what validation chose under each seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from ihas.config import Config, Recipe
from ihas.results import Interval, RunResult, VariantResult
from pipelines.progress import Report
from pipelines.run import run_recipe


class ComparisonRow(Config):
    """One variant over the seeds."""

    name: str
    """Variant, or `chosen`."""
    auc: float
    """Mean pooled test AUC."""
    auc_deviation: float
    """Standard deviation of it over the seeds."""
    log_loss: float
    """Mean pooled test log-loss, in nats."""
    gain: Interval | None
    """Paired difference of test AUC to the base; absent for the base, and with one seed."""
    kept_dims: float
    """Mean embedding dimensions that a row reads."""
    parameters_per_path: float
    """Mean parameters of the path that serves a row."""
    parameters_total: float
    """Mean parameters stored."""
    multiply_adds: float
    """Mean multiply-adds of a row."""


class Comparison(Config):
    """Variants over seeds."""

    name: str
    """Model name of the recipe."""
    seeds: tuple[int, ...]
    """Seeds, in the order of `chosen`."""
    chosen: tuple[str, ...]
    """What validation chose under each seed."""
    seconds: tuple[float, ...]
    """Wall time of each seed's stages."""
    rows: tuple[ComparisonRow, ...]
    """The table, the base first and the chosen last."""


def compare(recipe: Recipe, folder: Path, seeds: Sequence[int], report: Report) -> Comparison:
    """Run a recipe under each seed in `folder/seed-N`; complete stages of an earlier try are kept."""
    results = []
    for seed in seeds:
        seeded = recipe.model_copy(update={"learning": recipe.learning.model_copy(update={"seed": seed})})
        results.append(run_recipe(seeded, folder / f"seed-{seed}", report))
    return tabulate(tuple(seeds), results)


def tabulate(seeds: tuple[int, ...], results: Sequence[RunResult]) -> Comparison:
    """The table of results of the same recipe."""
    named = [{variant.name: variant for variant in result.variants} for result in results]
    shared = [name for name in named[0] if all(name in variants for variants in named)]
    columns = {name: [variants[name] for variants in named] for name in shared}
    columns["chosen"] = [variants[result.chosen] for variants, result in zip(named, results, strict=True)]
    base = columns["base"]
    return Comparison(
        name=results[0].name,
        seeds=seeds,
        chosen=tuple(result.chosen for result in results),
        seconds=tuple(round(sum(result.seconds.values()), 1) for result in results),
        rows=tuple(_row(name, column, base) for name, column in columns.items()),
    )


def _row(name: str, column: list[VariantResult], base: list[VariantResult]) -> ComparisonRow:
    aucs = np.array([variant.test.auc for variant in column])
    gains = aucs - np.array([variant.test.auc for variant in base])
    return ComparisonRow(
        name=name,
        auc=float(aucs.mean()),
        auc_deviation=float(aucs.std(ddof=1)) if len(aucs) > 1 else 0.0,
        log_loss=float(np.mean([variant.test.log_loss or 0.0 for variant in column])),
        gain=paired_interval(gains) if name != "base" and len(gains) > 1 else None,
        kept_dims=float(np.mean([variant.cost.kept_dims for variant in column])),
        parameters_per_path=float(np.mean([variant.cost.parameters_per_path for variant in column])),
        parameters_total=float(np.mean([variant.cost.parameters_total for variant in column])),
        multiply_adds=float(np.mean([variant.cost.multiply_adds for variant in column])),
    )


def paired_interval(differences: np.ndarray) -> Interval:
    """Mean of paired differences, float64 (seeds,), with its 95 % t interval; at least two seeds."""
    half = float(student.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences)))
    mean = float(differences.mean())
    return Interval(difference=mean, low=mean - half, high=mean + half)


def markdown(comparison: Comparison) -> str:
    """The table as Markdown, losses as visible as gains."""
    lines = [
        f"{comparison.name}, seeds {', '.join(map(str, comparison.seeds))}; chosen: {', '.join(comparison.chosen)}; "
        f"seconds: {', '.join(f'{value:.0f}' for value in comparison.seconds)}",
        "",
        "| variant | test AUC | log-loss | gain (95 % interval) | dims a row reads | parameters per path | in total | multiply-adds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in comparison.rows:
        gain = f"{row.gain.difference:+.5f} ({row.gain.low:+.5f} to {row.gain.high:+.5f})" if row.gain else ""
        lines.append(
            f"| {row.name} | {row.auc:.5f} ± {row.auc_deviation:.5f} | {row.log_loss:.4f} | {gain} | {row.kept_dims:.0f} "
            f"| {row.parameters_per_path:,.0f} | {row.parameters_total:,.0f} | {row.multiply_adds:,.0f} |"
        )
    return "\n".join(lines) + "\n"
