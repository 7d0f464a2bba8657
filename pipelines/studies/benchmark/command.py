"""`ihas study benchmark`: every cell of a plan, and what is known after each as JSON, Markdown and HTML.

A cell that fails is reported as failed, and the others go on. Complete stages of an earlier try are read, not computed again. With
`IHAS_RAY_ADDRESS`, cells that do not need each other are carried out on the machines of a cluster.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ihas.errors import ClusterError, IhasError
from ihas_pipelines.runs.answers import Setting
from ihas_pipelines.runs.measures import row_of
from ihas_pipelines.runs.progress import Progress, Report
from ihas_pipelines.runs.spread import are_spread, spread
from ihas_pipelines.studies.benchmark.cells import Cell, baseline_cell, run_cell
from ihas_pipelines.studies.benchmark.course import Course, Found
from ihas_pipelines.studies.benchmark.plan import Plan
from ihas_pipelines.studies.benchmark.table import Benchmark


def benchmark(plan: Plan, folder: Path, report: Report) -> Benchmark:
    """Carry out a plan on a folder; `benchmark.json`, `.md` and `.html` in it are renewed after every cell.

    Raises:
        ClusterError: cells were to be carried out on a cluster, which cannot be reached, was lost, or would compute otherwise.
    """
    folder = folder.resolve()  # which other machines know by this name
    folder.mkdir(parents=True, exist_ok=True)
    course = Course(plan, folder, report)
    if are_spread(len(course.cells), plan.run):
        for wave in waves_of(course.cells, plan):
            _spread(wave, course)
    else:
        for cell in course.cells:
            course.note(cell, attempt(cell, plan, folder, course.setting(cell), partial(course.tell, cell)))
            gc.collect()  # networks and their graphs refer to each other
    return course.table


def waves_of(cells: Sequence[Cell], plan: Plan) -> tuple[tuple[tuple[Cell, ...], ...], ...]:
    """Cells that may be carried out beside each other, in waves; what shares a run folder is one task, cell by cell.

    Every run; then the baseline methods under the first seed, which read the default run's base; then those under later seeds, which
    take what the first one chose.
    """
    runs = tuple((cell,) for cell in cells if cell.kind == "run")
    folders = dict.fromkeys((cell.seed, cell.run_folder) for cell in cells if cell.kind == "peer")
    sharing = [tuple(cell for cell in cells if cell.kind == "peer" and cell.run_folder == folder) for _, folder in folders]
    first = tuple(task for task in sharing if task[0].seed == plan.seeds[0])
    later = tuple(task for task in sharing if task[0].seed != plan.seeds[0])
    return tuple(wave for wave in (runs, first, later) if wave)


def _spread(wave: Sequence[Sequence[Cell]], course: Course) -> None:
    tasks = [partial(_carry_out, [(cell, course.setting(cell)) for cell in task], course.plan, course.folder) for task in wave]

    def note(number: int, found: Sequence[Found]) -> None:
        for cell, one in zip(wave[number], found, strict=True):
            course.note(cell, one)

    spread(tasks, course.plan.run, course.folder, lambda told: course.tell(*told), note)


def _carry_out(
    cells: Sequence[tuple[Cell, Setting | None]], plan: Plan, folder: Path, tell: Callable[[tuple[Cell, Progress]], None]
) -> list[Found]:
    """On a machine of the cluster: the cells of a task, one after the other."""

    def reporting(cell: Cell) -> Report:
        return lambda progress: tell((cell, progress))

    return [attempt(cell, plan, folder, setting, reporting(cell)) for cell, setting in cells]


def attempt(cell: Cell, plan: Plan, folder: Path, setting: Setting | None, report: Report) -> Found:
    """Carry out a cell: what it gave, or why it failed.

    Raises:
        ClusterError: a cluster that its trainings were to be carried out on cannot be.
    """
    try:
        outcome = run_cell(cell, plan, folder, report) if cell.kind == "run" else baseline_cell(cell, plan, folder, setting, report)
        for name, measure in outcome.measures.items():
            row_of(name, {cell.seed: measure}, None)  # raises where there is no AUC, so that it counts as this cell's failure
    except ClusterError:
        raise
    except Exception as error:
        return failure_message(error)
    return outcome


def failure_message(error: Exception) -> str:
    """What to tell of a cell's error; of an unexpected one the trace goes to standard error."""
    if isinstance(error, IhasError):
        return str(error)
    traceback.print_exception(error)
    return f"unexpected {type(error).__name__}: {error}"
