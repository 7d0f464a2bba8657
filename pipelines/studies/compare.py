"""The same recipe under several seeds: one table of variants with paired intervals.

The chosen variant is a row of its own: what validation chose under each seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ihas.config.base import Config
from ihas.config.recipe import Recipe
from ihas.results.run_result import RunResult
from pipelines.runs.measures import HEADING, ComparisonRow, markdown_row, measures, row_of
from pipelines.runs.progress import Report
from pipelines.runs.run import run_recipe


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
    """The table of results of the same recipe: variants that every seed has."""
    measured = {seed: measures(result) for seed, result in zip(seeds, results, strict=True)}
    shared = [name for name in measured[seeds[0]] if all(name in of_seed for of_seed in measured.values())]
    columns = {name: {seed: of_seed[name] for seed, of_seed in measured.items()} for name in shared}
    return Comparison(
        name=results[0].name,
        seeds=seeds,
        chosen=tuple(result.chosen for result in results),
        seconds=tuple(round(sum(result.seconds.values()), 1) for result in results),
        rows=tuple(row_of(name, column, None if name == "base" else columns["base"]) for name, column in columns.items()),
    )


def markdown(comparison: Comparison) -> str:
    """The table as Markdown, losses as visible as gains."""
    return "\n".join(
        [
            f"{comparison.name}, seeds {', '.join(map(str, comparison.seeds))}; chosen: {', '.join(comparison.chosen)}; "
            f"seconds: {', '.join(f'{value:.0f}' for value in comparison.seconds)}",
            "",
            *HEADING,
            *(markdown_row(row) for row in comparison.rows),
            "",
        ]
    )
