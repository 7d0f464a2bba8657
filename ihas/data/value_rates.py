"""Rows and clicks of the parts of a column: of its most frequent values, or of equal ranges of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ihas.data.columns import Column, clicked_texts, is_list, list_column, numbers, split_texts, text_column
from ihas.data.mapped import spans
from ihas.data.part import Part
from ihas.rates import wilson

MAX_PARTS = 12
MAX_COLUMNS = 500
"""Columns of a table whose parts are counted; of further ones a report has the profile alone."""
_COUNTED_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows and clicks of each text of a column: int64 (texts,); clicks are None where rows have no label."""

    texts: pa.StringArray
    rows: np.ndarray
    clicks: np.ndarray | None


def clicked_rows(table: pa.Table, label: str) -> np.ndarray | None:
    """Which rows are clicks: bool (rows,); None where the label is missing in a row or the table has none."""
    if label not in table.column_names or is_list(table, label):
        return None
    column = text_column(table, label)
    return None if (column.codes < 0).any() else clicked_texts(column)[column.codes]


def parts_of(table: pa.Table, name: str, separator: str | None, numeric: bool, clicked: np.ndarray | None) -> tuple[Part, ...]:
    """The twelve most frequent values of a column, or twelve equal ranges between the least and the greatest of its numbers.

    Args:
        table: a table that was read.
        name: a column.
        separator: between the values of a cell, where a cell has several.
        numeric: whether its cells are numbers.
        clicked: bool (rows,), which rows are clicks; None where rows have no label.
    """
    counts = _counts(table, name, separator, clicked)
    return _ranges(counts) if numeric else _values(counts)


def _counts(table: pa.Table, name: str, separator: str | None, clicked: np.ndarray | None) -> Counts:
    if is_list(table, name):
        lists = list_column(table, name)
        per_value = None if clicked is None else np.repeat(clicked, lists.lengths)
        return Counts(lists.values.texts, lists.values.counts, None if per_value is None else _clicks(lists.values, per_value))
    column = text_column(table, name)
    rows, clicks = column.counts, None if clicked is None else _clicks(column, clicked)
    if separator is None:
        return Counts(column.texts, rows, clicks)
    cells = split_texts(column.texts, separator)
    within = [
        None if one is None else np.bincount(cells.values.codes, np.repeat(one, cells.lengths), len(cells.values.texts)).astype(np.int64)
        for one in (rows, clicks)
    ]
    return Counts(cells.values.texts, within[0] if within[0] is not None else rows, within[1])


def _clicks(column: Column, clicked: np.ndarray) -> np.ndarray:
    """Clicks of each text: int64 (texts,)."""
    counts = np.zeros(len(column.texts) + 1, dtype=np.int64)  # the first entry is that of code -1
    for block in spans(len(column.codes), _COUNTED_ROWS):
        counts += np.bincount(column.codes[block][clicked[block]] + 1, minlength=len(counts))
    return counts[1:]


def _values(counts: Counts) -> tuple[Part, ...]:
    top = [int(place) for place in np.argsort(-counts.rows, kind="stable")[:MAX_PARTS] if counts.rows[place]]
    return tuple(
        _part(str(counts.texts[place].as_py()), None, None, counts.rows[place], None if counts.clicks is None else counts.clicks[place])
        for place in top
    )


def _ranges(counts: Counts) -> tuple[Part, ...]:
    values = numbers(counts.texts)
    used = np.isfinite(values) & (counts.rows > 0)
    if not used.any():
        return ()
    least, most = float(values[used].min()), float(values[used].max())
    if not np.isfinite(most - least) or most == least:
        return ()
    edges = np.linspace(least, most, MAX_PARTS + 1)
    place = np.clip(np.searchsorted(edges, values[used], side="right") - 1, 0, MAX_PARTS - 1)
    rows = np.bincount(place, counts.rows[used], MAX_PARTS)
    clicks = None if counts.clicks is None else np.bincount(place, counts.clicks[used], MAX_PARTS)
    return tuple(
        _part(None, float(edges[one]), float(edges[one + 1]), rows[one], None if clicks is None else clicks[one])
        for one in range(MAX_PARTS)
    )


def _part(value: str | None, start: float | None, end: float | None, rows: float, clicks: float | None) -> Part:
    low, high = wilson(int(clicks), int(rows)) if clicks is not None and rows else (None, None)
    return Part(value=value, start=start, end=end, rows=int(rows), clicks=None if clicks is None else int(clicks), low=low, high=high)
