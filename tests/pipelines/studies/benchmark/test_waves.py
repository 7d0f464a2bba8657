"""Cells that may be carried out beside each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ihas.config.run import RunOptions
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.spread import are_spread
from ihas_pipelines.runs.threads import counting_cores, threads
from ihas_pipelines.studies.benchmark.cells import cells_of
from ihas_pipelines.studies.benchmark.command import waves_of
from ihas_pipelines.studies.benchmark.course import Course
from tests.pipelines.studies.benchmark.outcomes import CELLS, OUTCOMES, PLAN

pytestmark = pytest.mark.tf


def test_runs_come_first_and_later_seeds_last() -> None:
    """Eight runs, a task each; then the baseline method under seed 0, which is tuned there, a task for each data set; then seed 1."""
    runs, first, later = waves_of(CELLS, PLAN)

    assert [len(task) for task in runs] == [1] * 8
    assert {cell.kind for (cell,) in runs} == {"run"}
    assert [[(cell.name, cell.data, cell.seed) for cell in task] for task in first] == [[("pep", "apps", 0)], [("pep", "films", 0)]]
    assert [[(cell.name, cell.data, cell.seed) for cell in task] for task in later] == [[("pep", "apps", 1)], [("pep", "films", 1)]]
    assert sorted(map(str, (cell for wave in (runs, first, later) for task in wave for cell in task))) == sorted(map(str, CELLS))


def test_baseline_methods_of_one_run_folder_are_one_task() -> None:
    """Two processes must not work on one folder."""
    plan = PLAN.model_copy(update={"peers": ("pep", "adafs"), "seeds": (3,)})
    _, only = waves_of(cells_of(plan), plan)

    assert [[cell.name for cell in task] for task in only] == [["pep", "adafs"], ["pep", "adafs"]]
    assert all(len({cell.run_folder for cell in task}) == 1 for task in only)


def test_a_table_does_not_depend_on_which_cell_came_first(tmp_path: Path) -> None:
    """Cells noted backwards give the table of cells in order, and the share that is done is that of those noted."""
    heard, tables = list[Progress](), []
    for name, cells in (("forwards", CELLS), ("backwards", CELLS[::-1])):
        (tmp_path / name).mkdir()
        course = Course(PLAN, tmp_path / name, heard.append)
        for cell in cells:
            course.note(cell, OUTCOMES[cell])
        tables.append(course.table)
    course.tell(CELLS[0], Progress(stage="reading", message="again", fraction=0.0))

    assert tables[0] == tables[1]
    assert heard[-1].fraction == 1.0
    assert heard[-1].message == f"{CELLS[0]}: again"


def test_runs_are_spread_where_there_is_a_cluster_and_none_wants_several_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single run stays as well."""
    monkeypatch.delenv("IHAS_RAY_ADDRESS", raising=False)
    assert not are_spread(2, RunOptions())
    monkeypatch.setenv("IHAS_RAY_ADDRESS", "10.0.0.5:6379")
    assert are_spread(2, RunOptions())
    assert not are_spread(1, RunOptions())
    assert not are_spread(2, RunOptions(machines=2))


def test_cores_are_those_of_the_machine_that_asks() -> None:
    """So that stages have the same keys on all machines; a stated number of threads wins."""
    with counting_cores(96):
        assert threads(RunOptions()) == 96
        assert threads(RunOptions(num_threads=3)) == 3
    assert threads(RunOptions()) == os.cpu_count()
