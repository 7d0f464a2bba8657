"""A vocabulary that grows: known ids keep their numbers, new values follow behind them, and what is stored for ids grows with it.

    values      those of the old encoder, then values that the new training rows show at least `min_count` times, commonest first
    row of an id    known     the old row, bit for bit
                    new       the mean of the field's rows of values (`mean`), its unknown value's row (`unknown`), or zeros (`zero`)

Buckets, knots and the slots of a multi-valued field stay. A value that never comes again keeps its id and its row: a vocabulary only
grows, until a search starts a new one. A value whose row is its field's unknown one, bit for bit, was never learnt and starts at the mean
like a new one. Source: our choice (decision 73).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from ihas.data.columns import is_list, list_column, text_column
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import (
    FIRST_VALUE,
    UNKNOWN,
    FieldEncoder,
    HashedEncoder,
    NumericEncoder,
    PiecewiseEncoder,
    TextEncoder,
    VectorEncoder,
)
from ihas.data.fitting import frequent_values
from ihas.data.hashed import grown
from ihas.data.layout import PADDING, FieldLayout
from ihas.data.validation import values_within

Start = Literal["mean", "unknown", "zero"]
NEW = -1


def grow_encoder(encoder: Encoder, table: pa.Table, min_count: int, train: np.ndarray) -> Encoder:
    """The encoder with the values that training rows of a table show often enough.

    Args:
        encoder: the old one.
        table: a table that was read, with all of its fields.
        min_count: training rows that a new value needs.
        train: int64 (n,) ascending. Training rows.
    """
    fields = tuple(_grown_field(field, table, min_count, train) for field in encoder.fields)
    return Encoder(fields=fields, timestamps=encoder.timestamps)


def _grown_field(field: FieldEncoder, table: pa.Table, min_count: int, train: np.ndarray) -> FieldEncoder:
    if isinstance(field, NumericEncoder | PiecewiseEncoder | VectorEncoder):
        return field
    if isinstance(field, HashedEncoder | TextEncoder):
        return grown(field, text_column(table, field.name).take(train), min_count)
    if field.kind == "categorical":
        column = text_column(table, field.name).take(train)
        found = frequent_values(column.texts, column.counts, min_count)
    elif is_list(table, field.name):
        values = list_column(table, field.name).take(train).values
        found = frequent_values(values.texts, values.counts, min_count)
    else:
        found = frequent_values(*values_within(text_column(table, field.name).take(train), field.separator), min_count)
    new = tuple(value for value in found if value not in field.local_ids)
    more: FieldEncoder = type(field).model_validate(field.model_dump() | {"values": (*field.values, *new)})  # a copy would keep cached ids
    return more if new else field


@dataclass(frozen=True)
class Growth:
    """Where each row of a grown table comes from.

    Attributes:
        old, new: layouts of the two encoders.
        source: int32 (rows of the new table,). Row of the old table; -1 of a new value.
    """

    old: FieldLayout
    new: FieldLayout
    source: np.ndarray

    @classmethod
    def between(cls, old: FieldLayout, new: FieldLayout) -> Growth:
        """Growth from one encoder's layout to that of an encoder that `grow_encoder` made of it."""
        source = np.full(new.num_rows, NEW, np.int32)
        sizes = zip(old.first_rows.tolist(), new.first_rows.tolist(), old.vocabulary_sizes, strict=True)
        for first_old, first_new, size in sizes:
            source[first_new : first_new + size] = np.arange(first_old, first_old + size, dtype=np.int32)
        return cls(old, new, source)

    @property
    def new_values(self) -> dict[str, int]:
        """Number of new values of each field that has any."""
        added = {
            name: new - old for name, new, old in zip(self.new.names, self.new.vocabulary_sizes, self.old.vocabulary_sizes, strict=True)
        }
        return {name: count for name, count in added.items() if count}

    def rows(self, stored: np.ndarray, start: Start) -> np.ndarray:
        """What is stored for every id of the new table.

        Args:
            stored: (rows of the old table, width). An embedding table with all that lies beside it, or a router's numbers.
            start: what new ids start from.

        Returns:
            (rows of the new table, width), of the same type.
        """
        grown = np.asarray(stored[np.maximum(self.source, 0)])
        for old, new in self._fields():
            fresh = np.arange(new.start, new.stop)[self.source[new] == NEW]
            if start == "mean":
                unlearnt = self._unlearnt(stored, old)
                grown[new.start + FIRST_VALUE + np.flatnonzero(unlearnt)] = _mean(stored[old], unlearnt)
                grown[fresh] = _mean(stored[old], unlearnt)
            else:
                grown[fresh] = stored[old.start + UNKNOWN] if start == "unknown" else 0
        return grown

    def as_before(self, ids: np.ndarray) -> np.ndarray:
        """Ids as the old encoder says them: int32 (rows, num_slots) of the new layout; new values are unknown there, padding stays."""
        unknown = np.concatenate(
            [np.full(size, first, np.int32) for size, first in zip(self.new.vocabulary_sizes, self.old.first_rows, strict=True)]
        )
        back = np.where(self.source == NEW, unknown, self.source)
        return np.where(ids == PADDING, PADDING, back[np.maximum(ids, 0)]).astype(np.int32)

    def _fields(self) -> Iterator[tuple[slice, slice]]:
        """Rows of each field in the old and in the new table."""
        places = zip(
            self.old.first_rows.tolist(), self.old.vocabulary_sizes, self.new.first_rows.tolist(), self.new.vocabulary_sizes, strict=True
        )
        for old, old_size, new, new_size in places:
            yield slice(old, old + old_size), slice(new, new + new_size)

    def _unlearnt(self, stored: np.ndarray, field: slice) -> np.ndarray:
        """Which values of a field have its unknown value's row: bool (values,)."""
        return np.asarray((stored[field][FIRST_VALUE:] == stored[field.start + UNKNOWN]).all(axis=1))


def _mean(rows: np.ndarray, unlearnt: np.ndarray) -> np.ndarray:
    """Mean of a field's learnt rows of values, (width,); the unknown value's row where there is none."""
    learnt = rows[FIRST_VALUE:][~unlearnt]
    return np.asarray(learnt.mean(axis=0, dtype=np.float64).astype(rows.dtype)) if len(learnt) else rows[UNKNOWN]
