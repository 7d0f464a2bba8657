"""What both command lines share: how arguments are parsed, how errors end a command, where progress goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from typer.main import get_command

from ihas.errors import IhasError, missing_package, path_fault
from ihas_pipelines.runs.child import error_document, print_progress
from ihas_pipelines.runs.exit_codes import EPILOG, ExitCode, exit_code, exit_code_of
from ihas_pipelines.runs.progress import Report

REPORT = "pipelines.report"
"""Key in a context's `meta` of what takes the progress of a study."""
RecipeOption = Annotated[Path, typer.Option(help="Recipe, a TOML or JSON file.")]
PlanOption = Annotated[Path, typer.Option(help="Plan, a TOML file.")]
SeedsOption = Annotated[str, typer.Option(help="Seeds, separated by commas.")]


def make_app(name: str, about: str, completion: bool = False) -> typer.Typer:
    """A command line with the help options and the list of exit codes that both have, and with completion in a shell if asked."""
    return typer.Typer(
        name=name,
        help=about,
        epilog=EPILOG,
        invoke_without_command=True,
        add_completion=completion,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def carry_out(
    app: typer.Typer,
    arguments: Sequence[str],
    name: str,
    fail: Callable[[str, ExitCode], int],
    code_of: Callable[[Exception], ExitCode] = exit_code,
    polish: Callable[[Any], Any] = lambda command: command,
) -> int:
    """Carry out a command line; its exit code.

    Args:
        app: commands.
        arguments: words after the program's name.
        name: of the program.
        fail: prints an error on one line and returns its code.
        code_of: exit code of an expected error.
        polish: changes what typer makes of the app, such as its help texts.
    """
    try:
        code = polish(get_command(app))(list(arguments), prog_name=name, standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        return fail(f"{message.rstrip('.')}. See `{name} --help`.", ExitCode.USAGE)
    except typer.Abort:
        return fail("Interrupted.", ExitCode.INTERRUPTED)
    except IhasError as error:
        return fail(str(error), code_of(error))
    except ModuleNotFoundError as error:
        return fail(str(missing_package(error)), ExitCode.USAGE)
    except OSError as error:
        if (fault := path_fault(error)) is None:
            raise
        return fail(str(fault), ExitCode.USAGE)
    if code == ExitCode.INTERRUPTED:
        return fail("Interrupted.", ExitCode.INTERRUPTED)
    return int(code or ExitCode.OK)


@contextmanager
def answering(refusal: Callable[[Exception], dict[str, object]] = error_document) -> Iterator[dict[str, object]]:
    """One line of JSON as a child's last word: the block fills it; an error in the block becomes its `error` and the exit code.

    Args:
        refusal: the document of an error, with its `code`.
    """
    answer: dict[str, object] = {"outcome": "succeeded"}
    try:
        yield answer
    except Exception as error:
        document = refusal(error)
        answer |= {"outcome": "failed", "error": document}
        raise typer.Exit(exit_code_of(str(document["code"]))) from error
    finally:
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")


def report_of(context: typer.Context) -> Report:
    """What takes the progress of a study: lines of JSON on standard output, unless the command line sets another one."""
    report: Report = context.meta.get(REPORT, print_progress)
    return report


def numbers(text: str) -> list[int]:
    """Whole numbers separated by commas or spaces."""
    try:
        return [int(part) for part in text.replace(",", " ").split()]
    except ValueError as error:
        raise typer.BadParameter(f"whole numbers separated by commas are needed, such as 0,1,2, but got {text!r}") from error
