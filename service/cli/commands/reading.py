"""Options that say how the cells of a CSV file are written."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Delimiter = Annotated[str | None, typer.Option(help="Character or characters between CSV cells; inferred from the header by default.")]
NoQuoting = Annotated[bool, typer.Option("--no-quoting", help="Take each double quote as a character of its cell.")]
Escape = Annotated[str | None, typer.Option(help="Character that takes the meaning from a quote or delimiter behind it, such as \\.")]


Names = Annotated[str | None, typer.Option(help="Names of the columns of CSV without a header line, with commas between them.")]

FileEncoding = Annotated[str | None, typer.Option("--encoding", help="Character encoding of CSV, such as latin-1; UTF-8 by default.")]


def reading_of(
    delimiter: str | None, no_quoting: bool, escape: str | None, names: str | None = None, encoding: str | None = None
) -> dict[str, Any]:
    """The settings that the options name, as `DataConfig` and the body of a data set have them; names make the file one of CSV."""
    named: dict[str, Any] = {"delimiter": delimiter, "quoting": False if no_quoting else None, "escape": escape, "encoding": encoding}
    if names is not None:
        named |= {"names": names.split(","), "format": "csv"}
    return {name: value for name, value in named.items() if value is not None}
