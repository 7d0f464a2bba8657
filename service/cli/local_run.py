"""Runs of `python -m pipelines` on this machine, watched from the terminal.

The child holds the reading end of a pipe whose writing end is here, so it ends itself when this process does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from ihas.config.data import DataConfig
from ihas.data.findings import ValidationReport
from ihas.results.run_result import RunResult
from pipelines.kinds.overrec.values import OverRecResult
from pipelines.kinds.transformer.values import TransformerResult
from pipelines.runs.progress import Progress
from pipelines.runs.recipe import AnyRecipe
from service.cli.terminal import CommandError, ExitCode, Terminal
from service.jobs.child import Child
from service.jobs.runs import PIPELINES, Outcome, read_line
from service.storage.job import JobKind

Watcher = Callable[[Progress], None]
AnyResult = RunResult | OverRecResult | TransformerResult
RESULTS: Mapping[str, type[AnyResult]] = {"overrec": OverRecResult, "transformer": TransformerResult}
"""What a result is read as, by its `kind`; one that names none is of the kind `grouped`."""


class ProgressBar:
    """One bar for the whole run, with the stage, the sentence of the moment and the time left; a context manager."""

    def __init__(self, terminal: Terminal) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.fields[stage]:<12}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        rest = (TimeElapsedColumn(), TextColumn("{task.fields[left]}"), TextColumn("{task.description}", markup=False))
        self._bars = Bars(*columns, *rest, console=terminal.err, transient=False, disable=terminal.output == "json")
        self._task: TaskID = self._bars.add_task("starting", total=1.0, stage="", left="")
        self._terminal = terminal
        self._last_stage = ""

    def __enter__(self) -> ProgressBar:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._bars.update(self._task, completed=1.0, stage="done", description="", left="")
        self._bars.stop()

    def follow(self, progress: Progress) -> None:
        """Show one line of a run."""
        self.show(progress.stage, progress.message, progress.fraction, progress.eta_s)

    def show(self, stage: str, message: str, fraction: float, eta_s: float | None) -> None:
        """Move the bar; without a terminal, print a line where the stage changes."""
        left = "" if eta_s is None else f"{eta_s:.0f} s left"
        self._bars.update(self._task, completed=fraction, description=message, stage=stage, left=left)
        if stage != self._last_stage and not self._terminal.err.is_terminal:
            self._terminal.say(f"{stage}: {message}")
        self._last_stage = stage


def climb(recipe: Path, folder: Path, seconds: float, terminal: Terminal) -> None:
    """Train a ladder in a child process, or go on with it, and write its advice into the folder.

    Raises:
        CommandError: data or settings are invalid, or a training failed.
    """
    command = (
        sys.executable,
        "-m",
        "pipelines.studies.scaling",
        "--recipe",
        str(recipe),
        "--folder",
        str(folder),
        "--seconds",
        str(seconds),
    )
    with tempfile.TemporaryFile("w+") as said:  # not a pipe, which a child that says much would fill
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as child:
            for line in child.stdout or ():
                terminal.say(line.rstrip())
        said.seek(0)
        words = said.read().strip().splitlines()
    if child.returncode:
        code = ExitCode.INVALID_DATA if child.returncode == ExitCode.INVALID_DATA else ExitCode.RUN_FAILED
        raise CommandError(words[-1] if words else f"The ladder ended with status {child.returncode}.", code)


def search(recipe: AnyRecipe, folder: Path, terminal: Terminal, command: Sequence[str] = PIPELINES) -> AnyResult:
    """Carry out a recipe in a child process; what an earlier run in `folder` finished is not done again.

    Args:
        recipe: what to run.
        folder: run folder.
        terminal: shows progress.
        command: start of the child's command line.

    Raises:
        CommandError: the data is invalid, or the run failed.
        KeyboardInterrupt: after the child has stopped.
    """
    folder = folder.resolve()
    asked = folder / "recipe.json"
    _write(asked, recipe.model_dump_json(indent=2))
    with ProgressBar(terminal) as bar:
        _follow(Child((*command, "run", "--recipe", str(asked), "--folder", str(folder)), folder / "log.txt"), JobKind.SEARCH, bar.follow)
    return read_any_result(folder)


def inspect(data: DataConfig, folder: Path, command: Sequence[str] = PIPELINES) -> ValidationReport:
    """Read and judge a table in a child process; `folder` takes what is written on the way.

    Raises:
        CommandError: the table cannot be read at all.
    """
    asked = folder / "data.json"
    _write(asked, data.model_dump_json())
    child = Child((*command, "inspect", "--data", str(asked)), folder / "log.txt")
    outcome = _outcome(child, JobKind.DATASET, lambda _: None)
    if outcome.report is None:
        raise failure(outcome.error or {})
    return ValidationReport.model_validate(outcome.report)


def read_any_result(folder: Path) -> AnyResult:
    """Figures of the finished run in `folder`, of whatever kind it is; CommandError where there are none."""
    path = folder / "result.json"
    if not path.is_file():
        raise CommandError(
            f"A finished run has a result.json, but {folder} has none. Run `ihas search` on it first.", ExitCode.INVALID_DATA
        )
    document = json.loads(path.read_text(encoding="utf-8"))
    result: AnyResult = RESULTS.get(document.get("kind", ""), RunResult).model_validate(document)
    return result


def write_report(result: AnyResult, path: Path) -> None:
    """Write the report of a run, of whatever kind it is."""
    import pipelines.kinds.overrec.page
    import pipelines.kinds.transformer.page
    import pipelines.reports.report

    if isinstance(result, RunResult):
        pipelines.reports.report.write_report(result, path)
    elif isinstance(result, OverRecResult):
        pipelines.kinds.overrec.page.write_page(result, path)
    else:
        pipelines.kinds.transformer.page.write_page(result, path)


def finished_stages(folder: Path) -> tuple[str, ...]:
    """Outputs of stages that are complete in a run folder, in the order they finished."""
    done = [path for path in folder.glob("stages/*") if not path.name.startswith(".")]
    return tuple(path.name.rpartition("-")[0] for path in sorted(done, key=lambda path: path.stat().st_mtime))


def failure(error: dict[str, Any]) -> CommandError:
    """The error that a failed run's last words call for."""
    code = {"data": ExitCode.INVALID_DATA, "config": ExitCode.USAGE}.get(str(error.get("code")), ExitCode.RUN_FAILED)
    return CommandError(str(error.get("detail", "The run failed and did not say why.")), code)


def _follow(child: Child, kind: JobKind, watch: Watcher) -> None:
    outcome = _outcome(child, kind, watch)
    if outcome.outcome == "failed":
        raise failure(outcome.error or {})


def _outcome(child: Child, kind: JobKind, watch: Watcher) -> Outcome:
    try:
        outcome = _listen(child, kind, watch)
        code = child.wait()
    except BaseException:
        child.stop()
        raise
    finally:
        child.close()
    if outcome is None or (code != 0 and outcome.outcome == "succeeded"):
        last = child.log_tail().splitlines()[-1:] or ["it wrote nothing"]
        raise CommandError(
            f"The run ended with code {code} before it was finished: {last[0]}. Its log is beside the run, in log.txt.", ExitCode.RUN_FAILED
        )
    if outcome.error is not None and outcome.error.get("code") == "internal":
        last = child.log_tail().splitlines()[-1:]
        raise CommandError(" ".join([str(outcome.error.get("detail")), *last]), ExitCode.RUN_FAILED)
    return outcome


def _listen(child: Child, kind: JobKind, watch: Watcher) -> Outcome | None:
    outcome = None
    for line in child.lines():
        said = read_line(kind, line)
        if isinstance(said, Outcome):
            outcome = said
        elif said is None:
            child.note(line)
        else:
            watch(said)
    return outcome


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
