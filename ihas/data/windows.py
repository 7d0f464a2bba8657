"""The newest rows of a table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ihas.config.data import WindowConfig
from ihas.data.columns import Column, is_list, numbers, text_column
from ihas.data.findings import FindingCollector
from ihas.data.gathering import kept_rows
from ihas.data.times import seconds, unit_of
from ihas.errors import ConfigError
from ihas.extensions.suggest import did_you_mean

DAY_S = 86_400.0


class Window(NamedTuple):
    """Rows that are in a window.

    Attributes:
        table: the rows, in their order.
        rows: int64 (n,). Their places in the whole table, ascending.
    """

    table: pa.Table
    rows: np.ndarray


def newest_rows(table: pa.Table, window: WindowConfig, time: str | None) -> Window:
    """The rows whose time is later than the newest time less the window's length.

    Args:
        table: a table that was read.
        window: length, and column of the time.
        time: column of the time where the window states none.

    Raises:
        ConfigError: no column is stated, or there is no such column.
        DataError: cells of the column that are no time; names the rows.
    """
    name = _column(table, window.column or time)
    moments = _moments(text_column(table, name), name)
    inside = moments > moments.max() - window.days * DAY_S
    return Window(kept_rows(table, inside), np.flatnonzero(inside))


def _column(table: pa.Table, name: str | None) -> str:
    if name is None:
        raise ConfigError("A window needs a column of times, but none is stated. Set `window.column` or `columns.time`.")
    if name not in table.column_names:
        law = f"`window.column` must name a column of the table, but got {name!r}; there are {', '.join(table.column_names)}."
        raise ConfigError(law + did_you_mean(name, table.column_names))
    if is_list(table, name):
        raise ConfigError(f"The times of a window must be one value per row, but `{name}` holds lists. Name another column.")
    return name


def _moments(column: Column, name: str) -> np.ndarray:
    """Seconds since 1970 of each row, float64 (rows,)."""
    of_text = seconds(column.texts)
    as_numbers = numbers(column.texts)
    if 2 * np.isfinite(as_numbers).sum() >= len(column.texts):
        of_text = as_numbers / unit_of(as_numbers)
    findings = FindingCollector()
    law = "Of a window, every row needs a time: ISO 8601, or a number since 1970; but here is {!r}. Correct it or drop the row."
    bad = np.flatnonzero(np.append(~np.isfinite(of_text), True)[column.codes])
    findings.add_rows("not_a_time", name, bad, lambda row: law.format(column.text(row) or ""), column.codes[bad])
    findings.raise_errors("The window cannot be told")
    return np.asarray(of_text[column.codes])
