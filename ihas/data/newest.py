"""A sample of the newest test rows as they were given, so that a model of other vocabularies can score the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ihas.data.columns import text_column
from ihas.data.schema import Schema
from ihas.data.times import seconds

MAX_NEWEST = 10_000
"""Rows of a sample: with one click in twenty, the standard error of a paired difference of AUC is about .005."""
FOLDER = "newest"


@dataclass(frozen=True)
class NewestRows:
    """Test rows with their labels.

    Attributes:
        rows: values by field, as a request states them; a missing value is left out.
        labels: float32 (rows,), 0 or 1, or a number's place in its range.
    """

    rows: tuple[Mapping[str, Any], ...]
    labels: np.ndarray


def save_newest(
    folder: Path,
    table: pa.Table,
    rows: np.ndarray,
    labels: np.ndarray,
    schema: Schema,
    items: tuple[pa.Table, np.ndarray] | None = None,
) -> None:
    """Write the newest test rows, or as many evenly spaced ones where no column is the time.

    Args:
        folder: of the encoded table.
        table: in the form of `ihas.data.readers`.
        rows: int64 (test rows,), their places in the table; labels: float32 (test rows,).
        schema: what the columns are.
        items: where the item columns of drawn rows are: a table, and int64 (test rows,) rows of it, -1 where a row states its own.
    """
    taken = _newest(table, rows, schema.time)
    (folder / FOLDER).mkdir()
    sample = table.select(list(schema.stated_names)).take(pa.array(rows[taken]))
    plain = pa.table({name: _plain(sample.column(name)) for name in sample.column_names})  # not the dictionary of the whole table
    if items is not None:
        plain = _with_items(plain, items[0], items[1][taken], schema)
    pyarrow.parquet.write_table(plain, folder / FOLDER / "rows.parquet", compression="zstd")
    np.save(folder / FOLDER / "labels.npy", labels[taken], allow_pickle=False)


def load_newest(folder: Path) -> NewestRows | None:
    """What `save_newest` wrote; None in the folder of an earlier version."""
    if not (folder / FOLDER).is_dir():
        return None
    table = pyarrow.parquet.read_table(folder / FOLDER / "rows.parquet")
    rows = tuple({name: cell for name, cell in row.items() if cell is not None} for row in table.to_pylist())
    return NewestRows(rows, np.load(folder / FOLDER / "labels.npy", allow_pickle=False))


def _with_items(sample: pa.Table, table: pa.Table, rows: np.ndarray, schema: Schema) -> pa.Table:
    """The sample with item columns from other rows, where there are any."""
    column_of = {part: one.name for one in schema.timestamps for part in one.fields.values()}
    for name in dict.fromkeys(column_of.get(field.name, field.name) for field in schema.fields if field.role == "item"):
        drawn = _plain(table.column(name).take(pa.array(np.maximum(rows, 0))))
        column: Any = pc.if_else(pa.array(rows >= 0), drawn, sample.column(name))
        sample = sample.set_column(sample.column_names.index(name), name, column)
    return sample


def _plain(column: Any) -> Any:
    """Texts, or lists of texts."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _newest(table: pa.Table, rows: np.ndarray, time: str | None) -> np.ndarray:
    """Places in `rows`, ascending."""
    if len(rows) <= MAX_NEWEST:
        return np.arange(len(rows))
    if time is None:
        return np.linspace(0, len(rows) - 1, MAX_NEWEST).astype(np.int64)
    column = text_column(table, time)
    at = seconds(column.texts)[column.codes[rows]]
    return np.sort(np.argsort(at, kind="stable")[-MAX_NEWEST:])
