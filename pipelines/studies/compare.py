"""The same recipe under several seeds: one table of variants with paired intervals.

The chosen variant is a row of its own: what validation chose under each seed. Ceilings on multiply-adds add a row each: what validation
chose within that budget. Where every seed's choice was trained once more, on validation rows too, that is a row, compared with the plain
model that was trained so, which is one too. All other rows are of models that know training rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ihas.config.base import Config
from ihas.config.recipe import Recipe
from ihas.results.run_result import RunResult
from ihas_pipelines.runs.measures import HEADING, REFIT, ComparisonRow, Measure, markdown_row, measures, row_of
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.run import run_recipe
from ihas_pipelines.runs.spread import are_spread, spread


class Comparison(Config):
    """Variants over seeds."""

    name: str
    """Model name of the recipe."""
    seeds: tuple[int, ...]
    """Seeds, in the order of `chosen`."""
    chosen: tuple[str, ...]
    """What validation chose under each seed."""
    chosen_within: dict[str, tuple[str, ...]] = {}
    """The same under each ceiling, by the name of its row."""
    seconds: tuple[float, ...]
    """Wall time of each seed's stages."""
    rows: tuple[ComparisonRow, ...]
    """The table, the base before the other variants, and then the chosen."""


def compare(recipe: Recipe, folder: Path, seeds: Sequence[int], report: Report, ceilings: Sequence[int] = ()) -> Comparison:
    """Run a recipe under each seed in `folder/seed-N`, on a cluster several at once; complete stages of an earlier try are kept.

    Args:
        recipe: what is run.
        folder: of the runs.
        seeds: one run each.
        report: told of progress.
        ceilings: multiply-adds; under each, the run is assembled once more with `budget.multiply_adds`, which trains larger models only.
    """
    folder = folder.resolve()  # which other machines know by this name
    runs = [partial(_of_seed, recipe, seed, folder / f"seed-{seed}", ceilings) for seed in seeds]
    if are_spread(len(seeds), recipe.run):
        folder.mkdir(parents=True, exist_ok=True)
        found = spread(runs, recipe.run, folder, report)
    else:
        found = [run(report) for run in runs]
    results, within = zip(*found, strict=True)
    return tabulate(tuple(seeds), results, within)


def _of_seed(recipe: Recipe, seed: int, folder: Path, ceilings: Sequence[int], report: Report) -> tuple[RunResult, dict[int, RunResult]]:
    """The result of a seed, and those under the ceilings."""
    seeded = recipe.model_copy(update={"learning": recipe.learning.model_copy(update={"seed": seed})})
    within = {ceiling: run_recipe(_under(seeded, ceiling), folder, report) for ceiling in ceilings}
    return run_recipe(seeded, folder, report), within


def _under(recipe: Recipe, ceiling: int) -> Recipe:
    return recipe.model_copy(update={"budget": recipe.budget.model_copy(update={"multiply_adds": ceiling})})


def tabulate(seeds: tuple[int, ...], results: Sequence[RunResult], within: Sequence[Mapping[int, RunResult]] = ()) -> Comparison:
    """The table of results of the same recipe: variants that every seed has.

    Args:
        seeds: in the order of the results.
        results: of the recipe.
        within: results under ceilings on multiply-adds, by ceiling.
    """
    measured = {seed: _measures(result, under) for seed, result, under in zip(seeds, results, within or [{}] * len(seeds), strict=True)}
    shared = [name for name in measured[seeds[0]] if all(name in of_seed for of_seed in measured.values())]
    columns = {name: {seed: of_seed[name] for seed, of_seed in measured.items()} for name in shared}
    return Comparison(
        name=results[0].name,
        seeds=seeds,
        chosen=tuple(result.chosen for result in results),
        chosen_within={_row(ceiling): tuple(under[ceiling].chosen for under in within) for ceiling in (within[0] if within else {})},
        seconds=tuple(round(sum(result.seconds.values()), 1) for result in results),
        rows=tuple(
            row_of(name, column, columns.get(base) if (base := _base_of(name)) != name else None) for name, column in columns.items()
        ),
    )


def _measures(result: RunResult, within: Mapping[int, RunResult]) -> dict[str, Measure]:
    """Measures of every variant and of the choices; of variants that only a ceiling admits, those of the highest."""
    found = measures(result)
    more = [measures(under) for _, under in sorted(within.items())]
    extra = {name: measure for of_ceiling in more for name, measure in of_ceiling.items() if name not in found}
    choices: dict[str, Measure] = {}
    for (ceiling, _), of in zip(sorted(within.items()), more, strict=True):
        choices |= {_row(ceiling) + end: of["chosen" + end] for end in ("", REFIT) if "chosen" + end in of}
    return extra | found | choices


def _base_of(name: str) -> str:
    """What a row is compared with: the plain model, trained as often."""
    return "base" + REFIT if name.endswith(REFIT) else "base"


def _row(ceiling: int) -> str:
    return f"chosen at <= {ceiling:,}"


def markdown(comparison: Comparison) -> str:
    """The table as Markdown, losses as visible as gains."""
    return "\n".join(
        [
            f"{comparison.name}, seeds {', '.join(map(str, comparison.seeds))}; chosen: {', '.join(comparison.chosen)}; "
            f"seconds: {', '.join(f'{value:.0f}' for value in comparison.seconds)}",
            *(f"{name}: {', '.join(chosen)}" for name, chosen in comparison.chosen_within.items()),
            "",
            *HEADING,
            *(markdown_row(row) for row in comparison.rows),
            "",
        ]
    )
