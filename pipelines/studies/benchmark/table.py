"""Outcomes of cells as one table: a row for each data set, backbone and method, over the seeds.

    gain = mean over seeds of (its test AUC - the base's of the same data set, backbone and seed), with its paired 95 % t interval

The base is the default run's. Rows of another variant of the plan bear its name; its own base is left out where it is the same model.
Seconds of a run's row are those of the stages that it needs; of a baseline method, those of one training under its setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ihas.config.base import Config
from ihas_pipelines.reports.pareto import unbeaten
from ihas_pipelines.runs.measures import HEADING, ComparisonRow, Measure, markdown_row, row_of
from ihas_pipelines.studies.benchmark.cells import Cell, Outcome
from ihas_pipelines.studies.benchmark.plan import DEFAULT, Plan

Kind = Literal["candidate", "control", "chosen", "peer"]


class BenchmarkRow(ComparisonRow):
    """One method on one data set with one backbone."""

    method: str
    """Variant of the plan that it is of, or baseline method."""
    kind: Kind
    """A run's candidate, its control, what its validation rows chose, or a baseline method."""
    setting: dict[str, float | str] = {}
    """What the first seed chose for a baseline method."""


class Failure(Config):
    """A cell that gave nothing."""

    name: str
    """Variant of the plan, or baseline method."""
    seed: int
    """Seed."""
    message: str
    """Why."""


class Section(Config):
    """One data set with one backbone."""

    data: str
    """Name of the recipe."""
    backbone: str
    """Name of the backbone."""
    rows: tuple[BenchmarkRow, ...]
    """The table, the base first."""
    failures: tuple[Failure, ...]
    """What failed."""
    reports: dict[str, str]
    """Reports of the finished runs by `variant, seed N`, as paths from the benchmark's folder."""


class Benchmark(Config):
    """All tables of a benchmark, as far as it is."""

    name: str
    """Name of the plan."""
    seeds: tuple[int, ...]
    """Seeds of the plan."""
    cells: int
    """Cells of the plan."""
    finished: int
    """Cells that are done or failed."""
    sections: tuple[Section, ...]
    """One for each data set and backbone, in the plan's order."""

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All that failed."""
        return tuple(failure for section in self.sections for failure in section.failures)


def tabulate(plan: Plan, num_cells: int, outcomes: Mapping[Cell, Outcome], failures: Mapping[Cell, str]) -> Benchmark:
    """The tables of what is known so far."""
    pairs = [(recipe.name, backbone) for recipe in plan.recipes for backbone in plan.backbones]
    return Benchmark(
        name=plan.name,
        seeds=plan.seeds,
        cells=num_cells,
        finished=len(outcomes) + len(failures),
        sections=tuple(_section(plan, pair, outcomes, failures) for pair in pairs),
    )


def _section(plan: Plan, pair: tuple[str, str], outcomes: Mapping[Cell, Outcome], failures: Mapping[Cell, str]) -> Section:
    own = {cell: outcome for cell, outcome in outcomes.items() if (cell.data, cell.backbone) == pair}
    failed = [(cell, message) for cell, message in failures.items() if (cell.data, cell.backbone) == pair]
    return Section(
        data=pair[0],
        backbone=pair[1],
        rows=tuple(_rows(plan, own)),
        failures=tuple(Failure(name=cell.name, seed=cell.seed, message=message) for cell, message in failed),
        reports={f"{cell.name}, seed {cell.seed}": f"{cell.run_folder.as_posix()}/report.html" for cell in own if cell.kind == "run"},
    )


def _rows(plan: Plan, outcomes: Mapping[Cell, Outcome]) -> Iterator[BenchmarkRow]:
    by_method = {
        name: {cell.seed: outcome for cell, outcome in outcomes.items() if cell.name == name}
        for name in (DEFAULT, *plan.variants, *plan.peers)
    }
    base = _column("base", by_method[DEFAULT])
    for method, of_seeds in by_method.items():
        for name in dict.fromkeys(name for outcome in of_seeds.values() for name in outcome.measures):
            column, is_base = _column(name, of_seeds), (method, name) == (DEFAULT, "base")
            if name == "base" and not is_base and _same(column, base):
                continue
            shown = name if method in (DEFAULT, name) else f"{method}: {name}"
            row = row_of(shown, column, None if is_base else base)
            settings = [dict(outcome.setting) for outcome in of_seeds.values() if outcome.setting is not None]
            kind = _kind(name, method, plan.peers, list(of_seeds.values()))
            yield BenchmarkRow(**dict(row), method=method, kind=kind, setting=settings[0] if settings else {})


def _column(name: str, of_seeds: Mapping[int, Outcome]) -> dict[int, Measure]:
    return {seed: outcome.measures[name] for seed, outcome in of_seeds.items() if name in outcome.measures}


def _same(column: Mapping[int, Measure], base: Mapping[int, Measure]) -> bool:
    return all(seed in base and measure.test == base[seed].test for seed, measure in column.items())


def _kind(name: str, method: str, peers: Sequence[str], outcomes: Sequence[Outcome]) -> Kind:
    if method in peers:
        return "peer"
    if name == "chosen":
        return "chosen"
    return "control" if any(name in outcome.controls for outcome in outcomes) else "candidate"


def pareto_frontier(rows: Sequence[BenchmarkRow]) -> list[BenchmarkRow]:
    """Rows but controls that no other such row beats in AUC at the same or fewer parameters per model, smallest first."""
    return unbeaten([row for row in rows if row.kind != "control"], lambda row: row.parameters_per_path, lambda row: row.auc)


def markdown(benchmark: Benchmark) -> str:
    """One Markdown table for each data set and backbone, failures in it."""
    seeds = ", ".join(map(str, benchmark.seeds))
    lines = [f"# {benchmark.name}", "", f"{benchmark.finished} of {benchmark.cells} cells finished; seeds {seeds}."]
    for section in benchmark.sections:
        lines += ["", f"## {section.data}, {section.backbone}", "", *HEADING]
        lines += [markdown_row(row) for row in section.rows]
        lines += [f"| {failure.name}, seed {failure.seed} | failed: {_cell_text(failure.message)} |" for failure in section.failures]
        lines += _notes(section, benchmark.seeds)
    return "\n".join(lines) + "\n"


def _notes(section: Section, seeds: tuple[int, ...]) -> list[str]:
    short = [f"{row.name} has seeds {', '.join(map(str, row.seeds))} only." for row in section.rows if set(row.seeds) != set(seeds)]
    tuned = [f"{row.name}: {', '.join(f'{k} = {v}' for k, v in row.setting.items())}." for row in section.rows if row.setting]
    return ["", *(f"* {note}" for note in (*short, *tuned))] if short or tuned else []


def _cell_text(message: str) -> str:
    return " ".join(message.replace("|", "\\|").split())
