"""The child's side of the protocol: prints progress and the reason of a failure, and ends together with its parent."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import threading
import traceback
from collections.abc import Iterator

from pydantic import ValidationError

from ihas.errors import (
    BudgetError,
    ClusterError,
    ConfigError,
    DataError,
    FolderBusyError,
    TrainingError,
    is_disk_full,
    missing_package,
    path_fault,
)
from ihas_pipelines.runs.exit_codes import ExitCode, exit_code_of
from ihas_pipelines.runs.progress import Progress, Report, StageName


class ChildReport:
    """Passes progress lines on, by default to standard output; the line of a failure repeats the stage and fraction of the last one."""

    def __init__(self, report: Report | None = None) -> None:
        self._report = report or print_progress
        self.stage: StageName = "reading"
        self.fraction = 0.0

    def __call__(self, progress: Progress) -> None:
        self.stage, self.fraction = progress.stage, progress.fraction
        self._report(progress)

    def fail(self, error: Exception) -> ExitCode:
        """Report an error as the last line; its exit code."""
        document = error_document(error)
        self(Progress(stage=self.stage, message=str(document["detail"]), fraction=self.fraction, outcome="failed", error=document))
        return exit_code_of(document["code"])


def print_progress(progress: Progress) -> None:
    """Write one progress line to standard output at once."""
    print_line(progress.model_dump_json(exclude_none=True))


def print_line(line: str) -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def error_document(error: Exception) -> dict[str, object]:
    """Code, detail and findings of an error, as the last progress line carries them; the traceback of an unexpected one is logged."""
    if isinstance(error, ModuleNotFoundError):
        error = missing_package(error)
    if isinstance(error, DataError):
        return {"code": "data", "detail": str(error), "findings": [finding.model_dump(mode="json") for finding in error.findings]}
    if isinstance(error, FolderBusyError):
        return {"code": "busy", "detail": str(error)}
    if isinstance(error, ConfigError | ValidationError):
        return {"code": "config", "detail": str(error)}
    if isinstance(error, BudgetError):
        return {"code": "budget", "detail": str(error)}
    if isinstance(error, TrainingError):
        return {"code": "training", "detail": str(error)}
    if isinstance(error, ClusterError):
        return {"code": "machine", "detail": str(error)}
    if is_disk_full(error):
        return {"code": "disk", "detail": "The disk is full. The finished stages are kept: free some space, then resume the run."}
    traceback.print_exception(error)  # to standard error, which the parent keeps as the run's log
    if (fault := path_fault(error)) is not None and not isinstance(error, FileNotFoundError):  # what a run lost
        return {"code": "config", "detail": str(fault)}
    return {"code": "internal", "detail": f"The run ended with an unexpected {type(error).__name__}."}


def stop_with_parent() -> None:
    """Exit as soon as standard input, if it is a pipe, is closed: the parent has ended."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_end_with_standard_input, daemon=True).start()


def _end_with_standard_input() -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock would still be held when the interpreter ends
        pass
    os._exit(ExitCode.INTERRUPTED)


@contextlib.contextmanager
def wall_time_limit(wall_s: float | None, report: ChildReport) -> Iterator[None]:
    """End the process, with the reason as its last line, once the block takes longer than `wall_s` seconds; None sets no limit."""
    timer = threading.Timer(wall_s or 0.0, _over_budget, (wall_s, report))
    timer.daemon = True
    if wall_s is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _over_budget(wall_s: float, report: ChildReport) -> None:
    error = BudgetError(f"`wall_s <= {wall_s:g}` must hold, but the run is not finished. Raise `budget.wall_s`, or resume the search.")
    os._exit(report.fail(error))
