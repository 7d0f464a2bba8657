"""Runs of `python -m ihas_pipelines` on this machine, with their progress on the terminal.

The child holds the reading end of a pipe whose writing end is here, so it ends itself when this process does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ihas.config.data import DataConfig
from ihas.data.findings import ValidationReport
from ihas_pipelines.kinds.model_kind import AnyRecipe, AnyResult, ModelKind
from ihas_pipelines.kinds.registry import kind_of_result
from ihas_pipelines.kinds.snapshots import with_snapshot, with_snapshots
from ihas_pipelines.runs.exit_codes import CommandError, ExitCode, exit_code_of
from ihas_pipelines.runs.progress import Outcome, Report, follow
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_service.cli.progress_bar import ProgressBar
from ihas_service.cli.terminal import Terminal
from ihas_service.jobs.child import Child
from ihas_service.jobs.runs import PIPELINES
from ihas_service.jobs.wording import fault_of_signal


def search(recipe: AnyRecipe, folder: Path, terminal: Terminal, command: Sequence[str] = PIPELINES) -> tuple[AnyResult, ModelKind]:
    """Carry out a recipe in a child process; stages that an earlier run in `folder` finished are not repeated.

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
    recipe = with_snapshots(recipe, folder)
    written = folder / "recipe.json"
    _write(written, recipe.model_dump_json(indent=2))
    return _carried_out((*command, "run", "--recipe", str(written)), folder, terminal)


def refresh(asked: RefreshRequest, folder: Path, terminal: Terminal, command: Sequence[str] = PIPELINES) -> tuple[AnyResult, ModelKind]:
    """Carry a finished run on with newer rows in a child process; as `search`.

    Raises:
        CommandError: the run cannot be refreshed, the data do not fit, or the refresh failed.
        KeyboardInterrupt: after the child has stopped.
    """
    folder = folder.resolve()
    written = folder / "refresh.json"
    _write(written, asked.model_dump_json(indent=2))
    return _carried_out((*command, "refresh", "--request", str(written)), folder, terminal)


def _carried_out(command: Sequence[str], folder: Path, terminal: Terminal) -> tuple[AnyResult, ModelKind]:
    """The result of a child that works on a run folder, once it has ended."""
    with ProgressBar(terminal) as bar:
        outcome = _outcome(Child((*command, "--folder", str(folder)), folder / "log.txt"), bar.follow)
    if outcome.outcome == "failed":
        raise failure(outcome.error or {})
    return read_any_result(folder)


def inspect(data: DataConfig, folder: Path, command: Sequence[str] = PIPELINES) -> ValidationReport:
    """Read and check a table in a child process; `folder` takes temporary files.

    Raises:
        CommandError: the table cannot be read at all.
    """
    written = folder / "data.json"
    _write(written, with_snapshot(data, folder).model_dump_json())
    child = Child((*command, "inspect", "--data", str(written)), folder / "log.txt")
    outcome = _outcome(child, lambda _: None, fault_of_signal)
    if outcome.report is None:
        raise failure(outcome.error or {})
    return ValidationReport.model_validate(outcome.report)


def read_any_result(folder: Path) -> tuple[AnyResult, ModelKind]:
    """Result of the finished run in `folder`, of any kind; CommandError where there is none."""
    path = folder / "result.json"
    if not path.is_file():
        raise CommandError(
            f"A finished run has a result.json, but {folder} has none. Run `ihas search` on it first.", ExitCode.INVALID_DATA
        )
    document = json.loads(path.read_text(encoding="utf-8"))
    kind = kind_of_result(document)
    if kind.result is None:
        raise CommandError(f"Results of the kind {kind.name!r} cannot be read, but {path} is one.", ExitCode.INVALID_DATA)
    result: Any = kind.result.model_validate(document)
    return result, kind


def write_report(run: tuple[AnyResult, ModelKind], path: Path) -> bool:
    """Write the report of a run; whether its kind has one."""
    result, kind = run
    if kind.write_report is None:
        return False
    kind.write_report(result, path)
    return True


def result_tables(run: tuple[AnyResult, ModelKind]) -> Iterable[RenderableType]:
    """The tables that show a run on a terminal."""
    result, kind = run
    return [Text(result.verdict)] if kind.tables is None else kind.tables(result)


def stage_of(document: Mapping[str, Any]) -> str:
    """What a search or an event of a service shows: its stage while it runs, else its state."""
    return str(document.get("stage") or document["state"])


def finished_stages(folder: Path) -> tuple[str, ...]:
    """Names of the finished stages in a run folder, in the order they finished."""
    done = [path for path in folder.glob("stages/*") if not path.name.startswith(".")]
    return tuple(path.name.rpartition("-")[0] for path in sorted(done, key=lambda path: path.stat().st_mtime))


def failure(error: dict[str, Any]) -> CommandError:
    """The error for the error document of a failed run."""
    return CommandError(str(error.get("detail", "The run failed without a reason.")), exit_code_of(error.get("code")), error)


def _outcome(child: Child, report: Report, fault_of: Callable[[int], Mapping[str, str] | None] = lambda _: None) -> Outcome:
    """The last line of a child; `fault_of` words the signals that say something of what it read."""
    try:
        outcome = follow(child, report)
        code = child.wait()
    except BaseException:
        child.stop()
        raise
    finally:
        child.close()
    if outcome is None and (fault := fault_of(-code)) is not None:
        raise failure(dict(fault))
    if outcome is None or (code != 0 and outcome.outcome == "succeeded"):
        last = child.log_tail().splitlines()[-1:] or ["its log is empty"]
        raise CommandError(
            f"The run ended with code {code} before it was finished: {last[0]}. Its log is log.txt in the run folder.", ExitCode.RUN_FAILED
        )
    if outcome.error is not None and outcome.error.get("code") == "internal":
        last = child.log_tail().splitlines()[-1:]
        raise CommandError(" ".join([str(outcome.error.get("detail")), *last]), ExitCode.RUN_FAILED)
    return outcome


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
