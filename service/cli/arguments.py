"""Command lines as people write them, spelled out as the parser takes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ihas_service.cli.terminal import Output

OUTPUT = "--output"


def spelled_out(arguments: Sequence[str], searches: Collection[str]) -> list[str]:
    """The arguments with `--output table|json` in front, wherever it stood, and with `here` after a `search` that names no command.

    What follows a `--` stays as it is, and so does an `--output` of another value, which may be a command's own (`ihas events export`).

    Args:
        arguments: words after the program's name.
        searches: commands and options of `ihas search` itself.
    """
    output, rest = _form(arguments)
    return [*([] if output is None else [OUTPUT, output]), *_search_here(rest, searches)]


def output_of(arguments: Sequence[str]) -> Output:
    """The form of results that spelled out arguments ask for."""
    return Output.JSON if list(arguments[:2]) == [OUTPUT, Output.JSON] else Output.TABLE


def _form(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The last form of results that is asked for, and the other arguments."""
    found, rest, number = None, list[str](), 0
    while number < len(arguments) and arguments[number] != "--":
        name, equals, value = arguments[number].partition("=")
        if not equals:
            value = "".join(arguments[number + 1 : number + 2])
        if name == OUTPUT and value in tuple(Output):
            found = value
            number += 1 if equals else 2
            continue
        rest.append(arguments[number])
        number += 1
    return found, [*rest, *arguments[number:]]


def _search_here(arguments: list[str], searches: Collection[str]) -> list[str]:
    """`ihas search RECIPE` is short for `ihas search here RECIPE`; `search` alone shows its help."""
    if arguments[:1] == ["search"] and arguments[1:] and arguments[1] not in searches:
        return ["search", "here", *arguments[1:]]
    return arguments
