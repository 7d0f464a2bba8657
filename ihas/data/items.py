"""The items of the training rows, each with the encoding that it has most often."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.columns import text_column
from ihas.data.encoder import Encoder
from ihas.data.item_table import ItemTable
from ihas.data.schema import Schema


def build_item_table(train: pa.Table, ids: np.ndarray, encoder: Encoder, schema: Schema) -> ItemTable | None:
    """Every item that training rows show, the most popular first, equally popular ones by name.

    Args:
        train: training rows, a table that was read.
        ids: int32 (rows, num_slots). The same rows, encoded.
        encoder: the encoder that encoded them.
        schema: what the columns are.

    Returns:
        The items, each with the item slots that most of its rows have; of equally frequent ones, those of the earliest row.
        None where the schema names no item id.
    """
    if schema.item_id is None:
        return None
    column = text_column(train, schema.item_id)
    counts, names = column.counts, column.texts.to_pylist()
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda item: (-counts[item], names[item]))
    slots = ids[:, encoder.slots_of("item")]
    rows = _typical_rows(column.codes, slots, len(names))[order]
    return ItemTable(tuple(str(names[item]) for item in order), np.ascontiguousarray(slots[rows]), counts[order].astype(np.int32))


def _typical_rows(items: np.ndarray, slots: np.ndarray, num_items: int) -> np.ndarray:
    """First row of each item with its most frequent slots: int64 (num_items,)."""
    shown = np.flatnonzero(items >= 0)
    rows = np.zeros(num_items, dtype=np.int64)
    rows[items[shown][::-1]] = shown[::-1]  # the last write stays, so the first row of each item
    varying = np.unique(items[shown][(slots[shown] != slots[rows[items[shown]]]).any(axis=1)])
    for item, of_item in _rows_by_item(items, varying):
        _, first, counts = np.unique(slots[of_item], axis=0, return_index=True, return_counts=True)
        most = np.flatnonzero(counts == counts.max())
        rows[item] = of_item[first[most].min()]
    return rows


def _rows_by_item(items: np.ndarray, chosen: np.ndarray) -> list[tuple[int, np.ndarray]]:
    rows = np.flatnonzero(np.isin(items, chosen))
    ordered = rows[np.argsort(items[rows], kind="stable")]
    ends = np.searchsorted(items[ordered], chosen, side="right")
    return list(zip(chosen.tolist(), np.split(ordered, ends[:-1]) if chosen.size else [], strict=True))
