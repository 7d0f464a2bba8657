"""A benchmark on its way: what its cells gave so far, as tables in its folder, and how much of the whole is done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from ihas.folders import write_whole
from ihas_pipelines.runs.answers import Setting
from ihas_pipelines.runs.progress import Progress, Report
from ihas_pipelines.studies.benchmark.cells import Cell, Outcome, cells_of
from ihas_pipelines.studies.benchmark.page import render_benchmark
from ihas_pipelines.studies.benchmark.plan import Plan
from ihas_pipelines.studies.benchmark.table import Benchmark, markdown, tabulate

Kept = TypeVar("Kept")
Found = Outcome | str
"""What a cell gave, or why it failed."""


class Course:
    """A benchmark on its way: what its cells gave so far."""

    def __init__(self, plan: Plan, folder: Path, report: Report) -> None:
        self.plan, self.folder, self._report = plan, folder, report
        self.cells = cells_of(plan)
        self.table = tabulate(plan, len(self.cells), {}, {})
        self._outcomes, self._failures, self._done = dict[Cell, Outcome](), dict[Cell, str](), dict.fromkeys(self.cells, 0.0)

    def note(self, cell: Cell, found: Found) -> None:
        """Put into the table what a cell gave; the files are renewed."""
        if isinstance(found, Outcome):
            self._outcomes[cell] = found
        else:
            self._failures[cell] = found
            self.tell(cell, Progress(stage="evaluate", message=f"failed: {found}", fraction=1.0))
        self._done[cell] = 1.0
        self.table = tabulate(self.plan, len(self.cells), self._in_order(self._outcomes), self._in_order(self._failures))
        write_benchmark(self.table, self.folder)

    def _in_order(self, found: Mapping[Cell, Kept]) -> dict[Cell, Kept]:
        """As the plan has them, whichever came first."""
        return {cell: found[cell] for cell in self.cells if cell in found}

    def setting(self, cell: Cell) -> Setting | None:
        """What an earlier seed chose for the same baseline method on the same data set and backbone."""
        same = (cell.data, cell.backbone, cell.name)
        outcomes = self._in_order(self._outcomes)
        return next((outcome.setting for other, outcome in outcomes.items() if (other.data, other.backbone, other.name) == same), None)

    def tell(self, cell: Cell, progress: Progress) -> None:
        """Hear of a cell and tell of the whole; a cell that begins again does not take back what was told."""
        self._done[cell] = max(self._done[cell], progress.fraction)
        whole = {"fraction": round(sum(self._done.values()) / len(self.cells), 4), "eta_s": None, "outcome": "running"}
        self._report(progress.model_copy(update={"message": f"{cell}: {progress.message}", **whole}))


def write_benchmark(table: Benchmark, folder: Path) -> None:
    """Write or replace the three files, each whole."""
    write_whole(folder / "benchmark.json", table.model_dump_json(indent=1))
    write_whole(folder / "benchmark.md", markdown(table))
    write_whole(folder / "benchmark.html", render_benchmark(table))
