"""What items bring to a score after some of their fields were put: rows of these items beside the arrays of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from ihas.serving.grouped.item_arrays import ItemArrays


class ItemRows(Protocol):
    """Rows of items, by the name of what they are."""

    @property
    def bytes_of_item(self) -> int:
        """What an item takes."""

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""

    def take(self, name: str, positions: np.ndarray) -> np.ndarray:
        """Rows of an array: int64 (n,) positions of items -> (n, width), an array of its own."""


class ItemOverlay:
    """Arrays of which some rows are others, and that have more rows.

    Attributes:
        rows: by name, those of the changed items, in their order; as many as the memory holds.
    """

    def __init__(self, base: ItemArrays, ids: np.ndarray, changed: np.ndarray, before: tuple[ItemOverlay, np.ndarray] | None) -> None:
        """
        Args:
            base: arrays of the item table.
            ids: int32 (num_items, slots of all item fields). Those of all items now.
            changed: int64 (n,). Items that are not as in the table, each once; all that the table does not hold among them.
            before: an overlay, and in which of its rows each item is as now, int64 (n,), -1 where in none.
        """
        self._base, self._ids, self._num_base = base, ids, base.num_items
        self._place = np.full(len(ids), -1, np.int64)
        self._place[changed] = np.arange(len(changed))
        self._kept = min(len(changed), base.max_bytes // (base.bytes_of_item or 1))
        kept = ids[changed[: self._kept]]
        self.rows: Mapping[str, np.ndarray] = {name: self._made(name, kept, before) for name in base.makers}

    @property
    def bytes_of_item(self) -> int:
        """See `ItemRows.bytes_of_item`."""
        return self._base.bytes_of_item

    @property
    def nbytes(self) -> int:
        """See `ItemRows.nbytes`."""
        return self._base.nbytes + self._place.nbytes + sum(rows.nbytes for rows in self.rows.values())

    def take(self, name: str, positions: np.ndarray) -> np.ndarray:
        """See `ItemRows.take`."""
        place = self._place[positions]
        rows = self._base.take(name, np.minimum(positions, self._num_base - 1))
        changed = np.flatnonzero(place >= 0)
        if len(changed):
            of_changed = place[changed]
            there = of_changed < self._kept
            rows[changed[there]] = self.rows[name][of_changed[there]]
            if not there.all():
                rows[changed[~there]] = self._base.makers[name](self._ids[positions[changed[~there]]])
        return rows

    def _made(self, name: str, ids: np.ndarray, before: tuple[ItemOverlay, np.ndarray] | None) -> np.ndarray:
        """Rows of items; those that were there before are not computed again."""
        maker = self._base.makers[name]
        if before is None or not len(ids):
            return maker(ids) if len(ids) else maker(self._base.first_ids)[:0]
        old, same = before[0].rows[name], before[1][: len(ids)]
        there = (same >= 0) & (same < len(old))
        rows = np.empty((len(ids), *old.shape[1:]), old.dtype)
        rows[there] = old[same[there]]
        if not there.all():
            rows[~there] = maker(ids[~there])
        return rows
