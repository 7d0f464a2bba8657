"""From ids to the kept dimensions of some fields, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.router import embed

FEW_ROWS = 8
"""Up to so many rows one gather of single numbers is faster than a gather of rows per field."""


class Gather:
    """Reads a table whose fields keep different dimensions."""

    def __init__(
        self, table: np.ndarray, mask: np.ndarray, layout: FieldLayout, fields: Sequence[int], held: np.ndarray | None = None
    ) -> None:
        """
        Args:
            table: float32 (sum over fields of vocabulary size * dimensions held,). Fields' tables, each row-major, end to end.
            mask: bool (num_fields, dim). Kept dimensions.
            layout: where the fields lie.
            fields: positions of the fields that are read, ascending.
            held: bool (num_fields, dim). Dimensions that the table holds; the kept ones where it is left out.
        """
        held = mask if held is None else held
        kept, width = mask.sum(axis=1), held.sum(axis=1)
        self.layout = FieldLayout(
            tuple(layout.names[f] for f in fields),
            tuple(layout.vocabulary_sizes[f] for f in fields),
            tuple(layout.slots[f] for f in fields),
        )
        self.num_kept = int(kept[list(fields)].sum())
        self._square = table.reshape(layout.num_rows, -1) if mask.all() else None
        self._fields = () if mask.all() else tuple(_kept_fields(table, mask, held, (layout, self.layout), fields))
        columns = np.repeat(np.arange(len(fields)), kept[list(fields)])
        places = np.concatenate([np.zeros(0, np.int64), *(_places(mask[f], held[f]) for f in fields)])
        self._slot = self.layout.first_slots[columns]
        self._stride = width[list(fields)][columns].astype(np.int64)
        self._start = self._starts(width, layout, fields)[columns] + places
        self._table = table

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """Mean over the values of each cell, zeros where there is none.

        Args:
            ids: int32 (rows, slots of the fields). Rows of the fused table; -1 is padding.

        Returns:
            float32 (rows, num_kept), an array of its own.
        """
        if self._square is not None:
            return embed(ids, self._square, self.layout)
        if len(ids) <= FEW_ROWS and self.layout.single_valued:
            return np.asarray(self._table.take(ids.take(self._slot, axis=1) * self._stride + self._start))
        values = np.empty((len(ids), self.num_kept), np.float32)
        by_slot = np.ascontiguousarray(ids.T)
        for field in self._fields:
            values[:, field.columns] = field.gather(by_slot[field.slots])
        return values

    @staticmethod
    def _starts(width: np.ndarray, layout: FieldLayout, fields: Sequence[int]) -> np.ndarray:
        """Where in the table the row number 0 of the fused table would lie, had each field all of them: int64 (fields,)."""
        ends = np.cumsum(np.asarray(layout.vocabulary_sizes, np.int64) * width)
        starts = np.concatenate([[0], ends[:-1]]) - layout.first_rows.astype(np.int64) * width
        return np.asarray(starts[list(fields)])


def _places(mask: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Place of each kept dimension of a field among those held: bool (dim,), twice -> int64 (kept,)."""
    return np.flatnonzero(mask[held])


class _KeptField(NamedTuple):
    """A field's table, its first row in the fused table, its slots in an id matrix, its columns of the values, and the places of the kept
    dimensions in the table where it holds others too."""

    table: np.ndarray
    first_row: int
    slots: slice
    columns: slice
    places: np.ndarray | None

    def gather(self, ids: np.ndarray) -> np.ndarray:
        """Mean over the slots in use, zeros where none is: int32 (slots, rows) -> float32 (rows, kept dimensions)."""
        if len(ids) == 1:
            return self._kept(self.table.take(ids[0] - self.first_row, axis=0))
        present = ids != PADDING
        gathered = self._kept(self.table.take(np.where(present, ids - self.first_row, 0), axis=0)) * present[..., None]
        return np.asarray(gathered.sum(axis=0) / np.maximum(present.sum(axis=0, dtype=np.float32), 1.0)[:, None])

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.places is None else rows.take(self.places, axis=-1)


def _kept_fields(
    table: np.ndarray, mask: np.ndarray, held: np.ndarray, layouts: tuple[FieldLayout, FieldLayout], fields: Sequence[int]
) -> Sequence[_KeptField]:
    """Fields with a kept dimension: `layouts` are those of all fields, and of the fields that are read."""
    layout, read = layouts
    kept, all_held = mask.sum(axis=1), held.sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(np.asarray(layout.vocabulary_sizes, np.int64) * all_held)]).tolist()
    ends = np.cumsum(kept[list(fields)]).tolist()
    return [
        _KeptField(
            table[starts[f] : starts[f + 1]].reshape(-1, int(all_held[f])),
            int(layout.first_rows[f]),
            slice(int(slot), int(slot) + width),
            slice(end - int(kept[f]), end),
            None if kept[f] == all_held[f] else _places(mask[f], held[f]),
        )
        for f, slot, width, end in zip(fields, read.first_slots, read.slots, ends, strict=True)
        if kept[f]
    ]
