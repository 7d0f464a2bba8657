"""Metrics of a study as JSON and as a table of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ihas.config.base import Config


class StudyTable(Config):
    """One table."""

    title: str
    """What it shows."""
    columns: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[tuple[str | float | int | None, ...], ...]
    """Cells of each row."""
    note: str = ""
    """What one must know to read it."""


class Study(Config):
    """All tables of a plan."""

    study: str
    """What was measured."""
    data: str
    """Name of the data's file; empty where there is none."""
    tables: tuple[StudyTable, ...]
    """The tables."""


def markdown(study: Study) -> str:
    """The tables, one under another."""
    return "\n".join(line for table in study.tables for line in (*_lines(table), ""))


def _lines(table: StudyTable) -> Iterator[str]:
    yield f"### {table.title}"
    yield ""
    if table.note:
        yield table.note
        yield ""
    yield _row(table.columns)
    yield _row(["---"] * len(table.columns))
    yield from (_row([_cell(cell) for cell in row]) for row in table.rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: str | float | int | None) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.4f}" if abs(cell) < 10.0 else f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else cell
