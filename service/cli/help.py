"""The help texts of `ihas`: each command with an example, and flags without a type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer
from rich.markup import escape

from ihas_service.cli.examples import EXAMPLES


def polished(command: Any) -> Any:
    """The command with all its commands, whose helps show an example and no `<bool>`.

    Args:
        command: what typer makes of an app.
    """
    for words, one, context in commands_of(command):
        example = example_of(words, EXAMPLES)
        one.epilog = "\n\n".join(filter(None, [example and f"Example: {escape(example)}", one.epilog]))
        for parameter in one.get_params(context):
            if getattr(parameter, "is_bool_flag", False):
                parameter.metavar = ""
    return command


def commands_of(command: Any, words: tuple[str, ...] = (), parent: Any = None) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every command below and including one: its words after `ihas`, itself, its context; hidden ones and old names left out."""
    context = typer.Context(command, parent=parent, info_name=words[-1] if words else "ihas", **command.context_settings)
    yield words, command, context
    for name, one in getattr(command, "commands", {}).items():
        if not one.hidden:
            yield from commands_of(one, (*words, name), context)


def example_of(words: tuple[str, ...], examples: Mapping[str, str]) -> str:
    """The example of a command; of a group, the first one of its commands; empty where there is none."""
    name = " ".join(words)
    return next((line for key, line in examples.items() if key == name or not name or key.startswith(f"{name} ")), "")
