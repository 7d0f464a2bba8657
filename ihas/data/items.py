"""The items of the training rows, each with the encoding that it has most often."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.ages import ages_of
from ihas.data.columns import Column, ListColumn, is_list, list_column, split_texts, text_column
from ihas.data.encoder import Encoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.mapped import spans
from ihas.data.schema import Field, Schema

_BLOCK_ROWS = 1 << 18


def build_item_table(
    table: pa.Table, ids: np.ndarray, encoder: Encoder, schema: Schema, train: np.ndarray | None = None
) -> ItemTable | None:
    """Every item that training rows show, the most popular first, equally popular ones by name.

    Args:
        table: a table that was read.
        ids: int32 (training rows, num_slots). Training rows, encoded.
        encoder: the encoder that encoded them.
        schema: what the columns are.
        train: int64 (n,) ascending. Training rows of the table; all of them where there are none.

    Returns:
        The items, each with the item slots that most of its rows have; of equally frequent ones, those of the earliest row. Values
        are those of that row too.
        None where the schema names no item id.
    """
    if schema.item_id is None:
        return None
    column = text_column(table, schema.item_id).take(train)
    counts, names = column.counts, column.texts.to_pylist()
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda item: (-counts[item], names[item]))
    slots = encoder.slots_of("item")
    rows = _typical_rows(column.codes, ids, slots, len(names))[order]
    of_table = rows if train is None else train[rows]
    fields = [field for field in schema.fields if _is_told(field, schema)]
    fields += [Field(name=name, kind="multivalued" if is_list(table, name) else "categorical", role="item") for name in schema.display]
    fields += [Field(name=age.item.name, kind="categorical", role="item") for age in ages_of(schema.fields, schema.timestamps)]
    return ItemTable(
        names=tuple(str(names[item]) for item in order),
        ids=np.ascontiguousarray(ids[rows][:, slots]),
        popularity=counts[order].astype(np.int32),
        values={field.name: field_values(table, field, of_table) for field in fields},
    )


def _is_told(field: Field, schema: Schema) -> bool:
    """Whether an item field's values are kept beside its ids, for filters and answers; those of vectors are not."""
    return field.role == "item" and field.name != schema.item_id and field.kind != "vector"


def field_values(table: pa.Table, field: Field, rows: np.ndarray) -> FieldValues:
    """What a field says in some rows, int (n,), of a table that was read."""
    if field.kind not in ("multivalued", "vector"):
        return _single(text_column(table, field.name), rows)
    if is_list(table, field.name):
        return _several(list_column(table, field.name), rows)
    column = text_column(table, field.name)
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


def _typical_rows(items: np.ndarray, ids: np.ndarray, slots: np.ndarray, num_items: int) -> np.ndarray:
    """First row of each item with its most frequent slots: int64 (num_items,)."""
    rows = _first_rows(items, num_items)
    of_first, varies = ids[rows][:, slots], np.zeros(num_items, dtype=bool)
    for block in spans(len(items), _BLOCK_ROWS):
        shown = items[block] >= 0
        of_item = items[block][shown]
        varies[of_item[(ids[block][:, slots][shown] != of_first[of_item]).any(axis=1)]] = True
    for item, of_item in _rows_by_item(items, varies):
        _, first, counts = np.unique(ids[of_item][:, slots], axis=0, return_index=True, return_counts=True)
        most = np.flatnonzero(counts == counts.max())
        rows[item] = of_item[first[most].min()]
    return rows


def _first_rows(items: np.ndarray, num_items: int) -> np.ndarray:
    rows = np.zeros(num_items + 1, dtype=np.int64)  # the last entry is that of code -1
    rows[items[::-1]] = np.arange(len(items))[::-1]  # the last write stays, so the first row of each item
    return rows[:-1]


def _rows_by_item(items: np.ndarray, chosen: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Rows of each chosen item, ascending: bool (num_items,)."""
    rows = np.flatnonzero(np.append(chosen, False)[items])
    ordered = rows[np.argsort(items[rows], kind="stable")]
    numbers = np.flatnonzero(chosen)
    ends = np.searchsorted(items[ordered], numbers, side="right")
    return list(zip(numbers.tolist(), np.split(ordered, ends[:-1]) if numbers.size else [], strict=True))
