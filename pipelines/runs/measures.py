"""Ways of serving, measured under several seeds: means, deviations, and the paired difference to the base.

gain = mean over seeds of (test AUC - the base's of the same seed),  interval: t distribution over the seeds, 95 %
seconds of a variant = those of its own stage and of the stages that it needs, the reading of the table not counted
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from ihas.config.base import Config
from ihas.errors import DataError
from ihas.results.run_result import ClickMetrics, Cost, Interval, RunResult
from ihas.stages.evaluate.stage import PRUNED, WIDER, is_candidate

TAUGHT = ("base", "members", "distil")
STAGES_BEFORE: dict[str, tuple[str, ...]] = {
    "base": ("base",), "members": ("base", "members"), "distilled": TAUGHT, "teacher": TAUGHT, "static": (*TAUGHT, "search"),
    "supernet": (*TAUGHT, "search"),
    "grouped": (*TAUGHT, "search", "cluster", "retrain"),
}  # fmt: skip
REFIT = ", trained once more"
"""End of the names of rows whose models learnt from validation rows too."""
BEFORE_A_CONTROL = (*TAUGHT, "search", "cluster")
BEFORE_LARGER = ("base", "larger")
HEADING = (
    "| variant | test AUC | log-loss | gain (95 % interval) | dims read | parameters per model | in total | multiply-adds | seconds |",
    "|---|---|---|---|---|---|---|---|---|",
)


class ComparisonRow(Config):
    """One variant over the seeds."""

    name: str
    """Variant, or `chosen`."""
    seeds: tuple[int, ...]
    """Seeds that it has metrics of."""
    auc: float
    """Mean pooled test AUC."""
    auc_deviation: float
    """Standard deviation of it over the seeds."""
    log_loss: float
    """Mean pooled test log-loss, in nats."""
    log_loss_deviation: float
    """Standard deviation of it over the seeds."""
    gain: Interval | None
    """Paired difference of test AUC to the base; absent for the base, and where they share fewer than two seeds."""
    kept_dims: float
    """Mean embedding dimensions that a row reads."""
    parameters_per_path: float
    """Mean parameters of the path that serves a row."""
    parameters_total: float
    """Mean parameters stored."""
    multiply_adds: float
    """Mean multiply-adds of a row, routing included."""
    seconds: float
    """Mean wall time of the stages that it needs, the reading of the table not counted."""


@dataclass(frozen=True)
class Measure:
    """One way of serving under one seed.

    Attributes:
        test: its metrics on the test rows.
        cost: what it stores and computes.
        seconds: wall time of the stages that it needs.
    """

    test: ClickMetrics
    cost: Cost
    seconds: float


def measures(result: RunResult) -> dict[str, Measure]:
    """Every variant of a run, the base first, then the base and the chosen one trained once more, and the chosen last.

    Seconds of what was trained once more are those of both, which ran side by side.
    """
    found = {variant.name: Measure(variant.test, variant.cost, seconds_of(variant.name, result)) for variant in result.variants}
    candidates = [variant.name for variant in result.variants if is_candidate(variant.name, larger=False)]
    chosen = replace(found[result.chosen], seconds=seconds_of("chosen", result, candidates))
    if result.refit is not None:
        again, took = {"base": (result.refit.base, found["base"]), "chosen": (result.refit.test, chosen)}, result.seconds.get("refit", 0.0)
        found |= {
            f"{name}{REFIT}": replace(before, test=test, seconds=round(before.seconds + took, 2)) for name, (test, before) in again.items()
        }
    return {**found, "chosen": chosen}


def seconds_of(name: str, result: RunResult, compared: Sequence[str] = ()) -> float:
    """Wall time of a variant: the stages before it and its own; of a choice, those of all that are `compared`, each once."""
    variants = compared or (name,)
    stages = {stage for variant in variants for stage in (*_stages_before(variant), f"variant-{variant}")}
    return round(sum(seconds for stage, seconds in result.seconds.items() if stage in stages), 2)


def _stages_before(name: str) -> tuple[str, ...]:
    if name.startswith((PRUNED, WIDER)):
        return (*BEFORE_LARGER, "prune") if name.startswith(PRUNED) else BEFORE_LARGER
    return STAGES_BEFORE.get(name, BEFORE_A_CONTROL)


def row_of(name: str, column: Mapping[int, Measure], base: Mapping[int, Measure] | None) -> ComparisonRow:
    """A row of the table: measures by seed, the base's for its gain.

    Raises:
        DataError: the test rows have one label only.
    """
    aucs = {seed: _auc(measure) for seed, measure in column.items()}
    gains = np.array([aucs[seed] - _auc(base[seed]) for seed in column if seed in base]) if base else np.zeros(0)
    losses = [measure.test.log_loss or 0.0 for measure in column.values()]

    def mean(of: Callable[[Measure], float]) -> float:
        return float(np.mean([of(measure) for measure in column.values()]))

    return ComparisonRow(
        name=name,
        seeds=tuple(column),
        auc=float(np.mean(list(aucs.values()))),
        auc_deviation=_deviation(list(aucs.values())),
        log_loss=float(np.mean(losses)),
        log_loss_deviation=_deviation(losses),
        gain=paired_interval(gains) if len(gains) > 1 else None,
        kept_dims=mean(lambda measure: measure.cost.kept_dims),
        parameters_per_path=mean(lambda measure: measure.cost.parameters_per_path),
        parameters_total=mean(lambda measure: measure.cost.parameters_total),
        multiply_adds=mean(lambda measure: measure.cost.multiply_adds),
        seconds=mean(lambda measure: measure.seconds),
    )


def _auc(measure: Measure) -> float:
    if measure.test.auc is None:
        raise DataError("Test rows must have both labels for an AUC, but have one. Give more rows to the test part (`learning.split`).")
    return measure.test.auc


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def paired_interval(differences: np.ndarray) -> Interval:
    """Mean of paired differences, float64 (seeds,), with its 95 % t interval; at least two seeds."""
    half = float(student.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences)))
    mean = float(differences.mean())
    return Interval(difference=mean, low=mean - half, high=mean + half)


def markdown_row(row: ComparisonRow) -> str:
    """A row under `HEADING`."""
    gain = f"{row.gain.difference:+.5f} ({row.gain.low:+.5f} to {row.gain.high:+.5f})" if row.gain else ""
    return (
        f"| {row.name} | {row.auc:.5f} ± {row.auc_deviation:.5f} | {row.log_loss:.4f} ± {row.log_loss_deviation:.4f} | {gain} "
        f"| {row.kept_dims:.0f} | {row.parameters_per_path:,.0f} | {row.parameters_total:,.0f} | {row.multiply_adds:,.0f} "
        f"| {row.seconds:.0f} |"
    )
