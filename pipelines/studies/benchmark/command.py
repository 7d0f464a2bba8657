"""`ihas study benchmark`: every cell of a plan, and what is known after each as JSON, Markdown and HTML.

A cell that fails is reported as failed, and the others go on. Complete stages of an earlier try are read, not computed again.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Mapping
from pathlib import Path

from ihas.errors import IhasError
from ihas.folders import write_whole
from ihas_pipelines.runs.answers import Setting
from ihas_pipelines.runs.measures import row_of
from ihas_pipelines.runs.progress import Progress, Report
from ihas_pipelines.studies.benchmark.cells import Cell, Outcome, baseline_cell, cells_of, run_cell
from ihas_pipelines.studies.benchmark.page import render_benchmark
from ihas_pipelines.studies.benchmark.plan import Plan
from ihas_pipelines.studies.benchmark.table import Benchmark, markdown, tabulate


def benchmark(plan: Plan, folder: Path, report: Report) -> Benchmark:
    """Carry out a plan on a folder; `benchmark.json`, `.md` and `.html` in it are renewed after every cell."""
    cells = cells_of(plan)
    outcomes: dict[Cell, Outcome] = {}
    failures: dict[Cell, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for number, cell in enumerate(cells):
        told = _told(cell, number, len(cells), report)
        try:
            outcomes[cell] = _carry_out(cell, plan, folder, outcomes, told)
        except Exception as error:
            failures[cell] = failure_message(error)
            told(Progress(stage="evaluate", message=f"failed: {failures[cell]}", fraction=1.0))
        table = tabulate(plan, len(cells), outcomes, failures)
        write_benchmark(table, folder)
        gc.collect()  # networks and their graphs refer to each other
    return table


def _carry_out(cell: Cell, plan: Plan, folder: Path, outcomes: Mapping[Cell, Outcome], report: Report) -> Outcome:
    outcome = (
        run_cell(cell, plan, folder, report) if cell.kind == "run" else baseline_cell(cell, plan, folder, _tuned(cell, outcomes), report)
    )
    for name, measure in outcome.measures.items():
        row_of(name, {cell.seed: measure}, None)  # raises where there is no AUC, so that it counts as this cell's failure
    return outcome


def _tuned(cell: Cell, outcomes: Mapping[Cell, Outcome]) -> Setting | None:
    """What an earlier seed chose for the same baseline method on the same data set and backbone."""
    same = (cell.data, cell.backbone, cell.name)
    return next((outcome.setting for other, outcome in outcomes.items() if (other.data, other.backbone, other.name) == same), None)


def _told(cell: Cell, number: int, num_cells: int, report: Report) -> Report:
    """A listener that hears of a part and tells of the whole."""

    def tell(progress: Progress) -> None:
        whole = {"fraction": round((number + progress.fraction) / num_cells, 4), "eta_s": None, "outcome": "running"}
        report(progress.model_copy(update={"message": f"{cell}: {progress.message}", **whole}))

    return tell


def failure_message(error: Exception) -> str:
    """What to tell of a cell's error; of an unexpected one the trace goes to standard error."""
    if isinstance(error, IhasError):
        return str(error)
    traceback.print_exception(error)
    return f"unexpected {type(error).__name__}: {error}"


def write_benchmark(table: Benchmark, folder: Path) -> None:
    """Write or replace the three files, each whole."""
    write_whole(folder / "benchmark.json", table.model_dump_json(indent=1))
    write_whole(folder / "benchmark.md", markdown(table))
    write_whole(folder / "benchmark.html", render_benchmark(table))
