"""The page of the command line, from the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from building.text import code, escaped, table

from ihas_service.cli.examples import EXAMPLES
from ihas_service.cli.help import commands_of
from ihas_service.cli.main import app

KINDS: Mapping[Any, str] = {str: "text", int: "whole number", float: "number", Path: "path"}


def command_lines() -> Iterator[str]:
    """Every command with its options and an example, as lines of Markdown."""
    for words, command, context in commands_of(typer.main.get_command(app)):
        yield f"{'##' if len(words) < 2 else '###'} `{' '.join(('ihas', *words))}`"
        yield ""
        yield escaped(command.help or "")
        yield ""
        if example := EXAMPLES.get(" ".join(words)):
            yield from ("```sh", example, "```", "")
        yield from table(["", "", "meaning"], (_row(one) for one in command.get_params(context) if _is_told(one, bool(words))))


def _is_told(parameter: Any, below: bool) -> bool:
    """Whether a parameter is shown; `--help` is the same everywhere, and told once."""
    return not getattr(parameter, "hidden", False) and not (below and parameter.name == "help")


def _row(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        return code(parameter.name.upper()), "needed" if parameter.required else "", escaped(parameter.help or "")
    names = ", ".join(code(name) for name in (*parameter.opts, *parameter.secondary_opts))
    return names, _values(parameter), escaped(parameter.help or "")


def _values(parameter: Any) -> str:
    """What an option takes and where it stands by itself; nothing for a flag."""
    if getattr(parameter, "is_flag", False):
        return ""
    told = _kind(parameter.type_descriptor.annotation)
    default = getattr(parameter.default, "value", parameter.default)
    ends = ["; needed"] if parameter.required else [] if default is None or default == [] else [f"; default {code(str(default))}"]
    return "".join([told, *ends])


def _kind(annotation: Any) -> str:
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return ", ".join(code(str(one.value)) for one in annotation)
    if get_origin(annotation) is list:
        return f"{_kind(get_args(annotation)[0])}, may be repeated"
    return KINDS.get(annotation, escaped(getattr(annotation, "__name__", str(annotation))))
