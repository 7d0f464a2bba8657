"""Tables for a narrow terminal: where the words of a table do not fit side by side, its rows are shown one below the other."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


def fitting(shown: RenderableType, console: Console) -> RenderableType:
    """The table itself where its longest words fit into the console, else its rows as records; what is no table, as it is."""
    if not isinstance(shown, Table) or not any(column.header for column in shown.columns):
        return shown
    wide = shown.width or Measurement.get(console, console.options.update(width=10_000), shown).minimum
    return shown if wide <= console.width else Group(*_records(shown))


def _records(table: Table) -> Iterable[RenderableType]:
    """The title, and for each row a line for each column that has a value in it."""
    if table.title:
        yield table.title if not isinstance(table.title, str) else Text(table.title)
    cells = [list(column.cells) for column in table.columns]
    for row in zip(*cells, strict=True):
        lines = Table.grid(padding=(0, 1))
        for column, cell in zip(table.columns, row, strict=True):
            if cell != "":
                lines.add_row(Text(f"{column.header}:", style="dim"), cell)
        yield Text("")
        yield lines
