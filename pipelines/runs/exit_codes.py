"""Exit codes of `ihas` and of `python -m ihas_pipelines`, one list for both; the numbers stay."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from ihas.errors import BundleError, ConfigError, DataError, IhasError, RequestError


class ExitCode(IntEnum):
    """Meaning of a command's exit code."""

    OK = 0
    USAGE = 2
    UNREACHABLE = 3
    INVALID_DATA = 4
    RUN_FAILED = 5
    TIMEOUT = 6
    INTERRUPTED = 130


EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.USAGE: "wrong arguments or settings",
    ExitCode.UNREACHABLE: "the service cannot be reached",
    ExitCode.INVALID_DATA: "invalid data, request or bundle",
    ExitCode.RUN_FAILED: "the run failed, or a check of `doctor` did",
    ExitCode.TIMEOUT: "timeout",
    ExitCode.INTERRUPTED: "interrupted",
}
EPILOG = "Exit codes: " + "; ".join(f"{int(code)} {meaning}" for code, meaning in EXIT_CODES.items()) + "."
OF_ERROR_CODE: Mapping[str, ExitCode] = {"config": ExitCode.USAGE, "data": ExitCode.INVALID_DATA}
"""Exit code by the `code` of a run's error document; every other code is `RUN_FAILED`."""


class CommandError(IhasError):
    """A command cannot continue.

    Attributes:
        code: exit code.
        document: error document of the child that failed; empty where there was none.
    """

    def __init__(self, message: str, code: ExitCode, document: Mapping[str, object] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.code, self.document = code, document


def exit_code(error: Exception) -> ExitCode:
    """Exit code of an expected error of the library."""
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, DataError | RequestError | BundleError):
        return ExitCode.INVALID_DATA
    return ExitCode.USAGE if isinstance(error, ConfigError) else ExitCode.RUN_FAILED


def exit_code_of(error_code: object) -> ExitCode:
    """Exit code for the `code` of a run's error document."""
    return OF_ERROR_CODE.get(str(error_code), ExitCode.RUN_FAILED)
