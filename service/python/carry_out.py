"""A recipe carried out from Python: progress where somebody sees it, failures as the library's own errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ihas.errors import BudgetError, ClusterError, ConfigError, DataError, FolderBusyError, IhasError, TrainingError
from ihas.findings import Finding
from ihas_pipelines.kinds.model_kind import AnyRecipe
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_service.cli import local_run
from ihas_service.cli.terminal import CommandError, Output, Terminal

ERRORS: Mapping[str, Callable[[str], IhasError]] = {
    "config": ConfigError,
    "busy": FolderBusyError,
    "training": TrainingError,
    "budget": BudgetError,
    "machine": ClusterError,
}
"""Error of a failed run by the code of its error document; every other code is an `IhasError`."""


def carry_out(recipe: AnyRecipe, folder: Path, progress: bool | None) -> None:
    """Carry out a recipe in a child process; stages that an earlier run in `folder` finished are not repeated.

    Args:
        recipe: what to run.
        folder: run folder.
        progress: whether to show it; None shows it on a terminal and in a notebook.

    Raises:
        ConfigError, DataError, TrainingError, BudgetError, ClusterError: as the run says; IhasError where it ended without saying why.
        KeyboardInterrupt: after the child has stopped.
    """
    _carry_out(lambda terminal: local_run.search(recipe, folder, terminal), progress)


def carry_on(asked: RefreshRequest, folder: Path, progress: bool | None) -> None:
    """Carry a finished run on with newer rows in a child process; arguments and errors as of `carry_out`."""
    _carry_out(lambda terminal: local_run.refresh(asked, folder, terminal), progress)


def _carry_out(run: Callable[[Terminal], object], progress: bool | None) -> None:
    terminal = Terminal()
    shown = terminal.err.is_terminal or terminal.err.is_jupyter if progress is None else progress
    try:
        run(terminal if shown else Terminal(Output.JSON))
    except CommandError as error:
        raise error_of(error) from None
    finally:
        sys.stderr.flush()


def error_of(failure: CommandError) -> IhasError:
    """The library's error for the failure of a child."""
    document: dict[str, Any] = dict(failure.document)
    if document.get("code") == "data":
        return DataError(str(failure), [Finding.model_validate(one) for one in document.get("findings", ())])
    return ERRORS.get(str(document.get("code")), IhasError)(str(failure))
