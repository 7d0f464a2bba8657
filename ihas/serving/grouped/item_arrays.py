"""What every item brings to a score, computed when the bundle is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ihas.data.item_table import ItemTable

MAX_BYTES = 256 * 2**20
"""Memory of the arrays; the most popular items are in them, the others are computed when asked for."""
BLOCK_ROWS = 4_096

Maker = Callable[[np.ndarray], np.ndarray]


class ItemArrays:
    """Arrays with one row per item, by name.

    Attributes:
        bytes_of_item: what an item takes in all of them.
        num_items: items of the table.
        num_kept: items that are in them.
        max_bytes: memory that they may take.
        makers: what makes the rows of each array.
        first_ids: int32 (1, slots). Ids of an item.
    """

    def __init__(self, items: ItemTable, makers: Mapping[str, Maker], max_bytes: int = MAX_BYTES) -> None:
        """
        Args:
            items: the item table.
            makers: for each array, what makes its rows from the items' ids; all of rows (n, width), of one type.
            max_bytes: memory of all arrays together.
        """
        self._ids, self.makers, self.max_bytes = items.ids, makers, max_bytes
        self.num_items, self.first_ids = len(items.names), items.ids[:1]
        self.bytes_of_item = sum(maker(items.ids[:1]).nbytes for maker in makers.values())
        self.num_kept = min(len(items.names), max_bytes // (self.bytes_of_item or 1))
        kept = np.arange(len(items.names))
        self._place: np.ndarray | None = None
        if self.num_kept < len(kept):
            kept = np.argsort(-items.popularity.astype(np.int64), kind="stable")[: self.num_kept]
            self._place = np.full(len(items.names), -1, np.int32)
            self._place[kept] = np.arange(self.num_kept)
        self._arrays = {name: self._make(maker, kept) for name, maker in makers.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays.values()) + (0 if self._place is None else self._place.nbytes)

    def take(self, name: str, positions: np.ndarray) -> np.ndarray:
        """Rows of an array: int64 (n,) positions of items -> (n, width), an array of its own."""
        array = self._arrays[name]
        if self._place is None:
            return np.asarray(array.take(positions, axis=0))
        place = self._place[positions]
        absent = np.flatnonzero(place < 0)
        if len(absent) == len(positions):
            return self.makers[name](self._ids[positions])
        rows = np.asarray(array.take(place, axis=0, mode="clip"))
        if len(absent):
            rows[absent] = self.makers[name](self._ids[positions[absent]])
        return rows

    def _make(self, maker: Maker, kept: np.ndarray) -> np.ndarray:
        first = maker(self._ids[:1])
        array = np.empty((len(kept), *first.shape[1:]), first.dtype)
        for start in range(0, len(kept), BLOCK_ROWS):
            array[start : start + BLOCK_ROWS] = maker(self._ids[kept[start : start + BLOCK_ROWS]])
        return array
