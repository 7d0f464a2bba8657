"""A sample of the newest test rows as they were given, so that a model of other vocabularies can score the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
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
        labels: float32 (rows,), 0 or 1.
    """

    rows: tuple[Mapping[str, Any], ...]
    labels: np.ndarray


def save_newest(folder: Path, table: pa.Table, rows: np.ndarray, labels: np.ndarray, schema: Schema) -> None:
    """Write the newest test rows, or as many evenly spaced ones where no column is the time.

    Args:
        folder: of the encoded table.
        table: in the form of `ihas.data.readers`.
        rows: int64 (test rows,), their places in the table; labels: float32 (test rows,).
        schema: what the columns are.
    """
    taken = _newest(table, rows, schema.time)
    (folder / FOLDER).mkdir()
    sample = table.select(list(schema.stated_names)).take(pa.array(rows[taken]))
    plain = pa.table({name: _plain(sample.column(name)) for name in sample.column_names})  # not the dictionary of the whole table
    pyarrow.parquet.write_table(plain, folder / FOLDER / "rows.parquet", compression="zstd")
    np.save(folder / FOLDER / "labels.npy", labels[taken], allow_pickle=False)


def load_newest(folder: Path) -> NewestRows | None:
    """What `save_newest` wrote; None in the folder of an earlier version."""
    if not (folder / FOLDER).is_dir():
        return None
    table = pyarrow.parquet.read_table(folder / FOLDER / "rows.parquet")
    rows = tuple({name: cell for name, cell in row.items() if cell is not None} for row in table.to_pylist())
    return NewestRows(rows, np.load(folder / FOLDER / "labels.npy", allow_pickle=False))


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
