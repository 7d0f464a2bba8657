"""The items of the training rows, each with the encoding that it has most often."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.columns import Column, ListColumn, is_list, list_column, split_texts, text_column
from ihas.data.encoder import Encoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Field, Schema


def build_item_table(train: pa.Table, ids: np.ndarray, encoder: Encoder, schema: Schema) -> ItemTable | None:
    """Every item that training rows show, the most popular first, equally popular ones by name.

    Args:
        train: training rows, a table that was read.
        ids: int32 (rows, num_slots). The same rows, encoded.
        encoder: the encoder that encoded them.
        schema: what the columns are.

    Returns:
        The items, each with the item slots that most of its rows have; of equally frequent ones, those of the earliest row. Values
        are those of that row too.
        None where the schema names no item id.
    """
    if schema.item_id is None:
        return None
    column = text_column(train, schema.item_id)
    counts, names = column.counts, column.texts.to_pylist()
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda item: (-counts[item], names[item]))
    slots = ids[:, encoder.slots_of("item")]
    rows = _typical_rows(column.codes, slots, len(names))[order]
    fields = [field for field in schema.fields if field.role == "item" and field.name != schema.item_id]
    return ItemTable(
        names=tuple(str(names[item]) for item in order),
        ids=np.ascontiguousarray(slots[rows]),
        popularity=counts[order].astype(np.int32),
        values={field.name: _values(train, field, rows) for field in fields},
    )


def _values(train: pa.Table, field: Field, rows: np.ndarray) -> FieldValues:
    """What a field says in some rows: int (n,)."""
    if field.kind != "multivalued":
        return _single(text_column(train, field.name), rows)
    if is_list(train, field.name):
        return _several(list_column(train, field.name), rows)
    column = text_column(train, field.name)
    return _several(split_texts(column.texts, field.separator), column.codes[rows])


def _single(column: Column, rows: np.ndarray) -> FieldValues:
    codes = column.codes[rows]
    used, dense = np.unique(codes[codes >= 0], return_inverse=True)
    codes = codes.copy()
    codes[codes >= 0] = dense
    return FieldValues.single(_texts(column, used), codes)


def _several(cells: ListColumn, rows: np.ndarray) -> FieldValues:
    whole = FieldValues((), cells.offsets, cells.values.codes, multivalued=True).take(rows)
    used, dense = np.unique(whole.codes, return_inverse=True)
    return FieldValues(_texts(cells.values, used), whole.offsets, dense.astype(np.int32), multivalued=True)


def _texts(column: Column, codes: np.ndarray) -> tuple[str, ...]:
    return tuple(map(str, column.texts.take(pa.array(codes)).to_pylist()))


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
