"""Output of the command line: results to standard output, everything else to standard error; exit codes of errors."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ihas.harmless import harmless
from ihas_pipelines.runs import exit_codes
from ihas_pipelines.runs.exit_codes import CommandError, ExitCode
from ihas_service.cli.records import fitting
from ihas_service.errors import ServiceError, WaitTimeoutError

__all__ = ["CommandError", "ExitCode", "Output", "Terminal", "exit_code", "this_command"]
WIDTH = 110  # columns where the output is not a terminal


class Output(StrEnum):
    """Form of results on standard output."""

    TABLE = "table"
    JSON = "json"


def exit_code(error: Exception) -> ExitCode:
    """Exit code of an expected error, also of those that a service answers with."""
    if isinstance(error, WaitTimeoutError):
        return ExitCode.TIMEOUT
    if isinstance(error, ServiceError):
        return ExitCode.UNREACHABLE if error.status == 0 else ExitCode.INVALID_DATA if error.status < 500 else ExitCode.RUN_FAILED
    return exit_codes.exit_code(error)


def this_command() -> str:
    """The current command line, to be typed again."""
    return shlex.join(["ihas", *sys.argv[1:]])


class HarmlessConsole(Console):
    """A console whose texts command no terminal, wherever in a table they stand; styles are the console's own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `Console.render`."""
        for segment in super().render(renderable, options):
            harmful = segment.control is None and not segment.text.isprintable()
            yield Segment(harmless(segment.text), segment.style) if harmful else segment


def _console(stderr: bool) -> Console:
    console = HarmlessConsole(stderr=stderr, markup=False, highlight=False, emoji=False)
    return console if console.is_terminal else HarmlessConsole(stderr=stderr, markup=False, highlight=False, emoji=False, width=WIDTH)


@dataclass(frozen=True)
class Terminal:
    """Two streams that print text from data as it is, never as markup; colours follow NO_COLOR and whether the output is a terminal.

    Attributes:
        output: form of results.
        out: standard output; takes only the result.
        err: standard error; takes progress and messages.
    """

    output: Output = Output.TABLE
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    def result(self, value: Any, *tables: RenderableType) -> None:
        """Print a result: `value` as one line of JSON, or the tables that show it, as records where the terminal is too narrow for them."""
        if self.output is Output.JSON:
            self.out.print(harmless(json.dumps(value, ensure_ascii=False)), soft_wrap=True)
            return
        for table in tables:
            self.out.print(fitting(table, self.out))

    def say(self, message: str, style: str = "") -> None:
        """Print a message for a person; silent where results are JSON."""
        if self.output is Output.TABLE:
            self.err.print(Text(message, style=style), soft_wrap=True)

    def fail(self, message: str, code: ExitCode) -> int:
        """Print an error on one line and return its exit code as a number."""
        line = " ".join(message.split())
        if self.output is Output.JSON:
            self.err.print(harmless(json.dumps({"error": {"exit_code": int(code), "detail": line}}, ensure_ascii=False)), soft_wrap=True)
        else:
            self.err.print(Text.assemble(("error: ", "bold red"), line), soft_wrap=True)
        return int(code)
