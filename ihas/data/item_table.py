"""Every item that can be recommended, encoded, and what its fields say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ihas.data.cells import cell_number


@dataclass(frozen=True)
class FieldValues:
    """What one item field says of each item, before encoding: rare values and numbers are as they were.

    Attributes:
        texts: distinct canonical texts.
        offsets: int64 (num_items + 1,). Item i's values are `codes[offsets[i]:offsets[i + 1]]`; none where it is missing.
        codes: int32. Positions in `texts`.
        multivalued: whether a cell may hold several values.
    """

    texts: tuple[str, ...]
    offsets: np.ndarray
    codes: np.ndarray
    multivalued: bool = False

    @classmethod
    def single(cls, texts: tuple[str, ...], codes: np.ndarray) -> FieldValues:
        """Values of a field with one value per cell: int (num_items,) codes, -1 for a missing one."""
        present = codes >= 0
        return cls(texts, np.concatenate([[0], np.cumsum(present)]).astype(np.int64), codes[present].astype(np.int32))

    @property
    def num_items(self) -> int:
        """Items."""
        return len(self.offsets) - 1

    @cached_property
    def numbers(self) -> np.ndarray:
        """Number that each text spells, NaN where it spells none: float64 (texts,)."""
        found = (cell_number(text) for text in self.texts)
        return np.array([np.nan if number is None else number for number in found], np.float64)

    @cached_property
    def _item_of_code(self) -> np.ndarray:
        return np.repeat(np.arange(self.num_items), np.diff(self.offsets))

    def holding(self, wanted: np.ndarray) -> np.ndarray:
        """Items of which a value is wanted: bool (texts,) -> bool (num_items,)."""
        found = np.zeros(self.num_items, bool)
        found[self._item_of_code[wanted[self.codes]]] = True
        return found

    def of_item(self, item: int) -> tuple[int, ...]:
        """Codes of an item's values."""
        return tuple(self.codes[self.offsets[item] : self.offsets[item + 1]].tolist())

    def told(self, item: int) -> str | tuple[str, ...] | None:
        """An item's value, or its values; None where it is missing."""
        texts = tuple(self.texts[code] for code in self.of_item(item))
        return texts if self.multivalued else texts[0] if texts else None

    def take(self, items: np.ndarray) -> FieldValues:
        """The same field of other items: int (n,) positions, -1 for one of which nothing is known."""
        lengths = np.where(items >= 0, np.diff(self.offsets)[items], 0)
        starts = np.repeat(self.offsets[:-1][items], lengths)
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return FieldValues(self.texts, offsets, self.codes[starts + within], self.multivalued)


@dataclass(frozen=True)
class ItemTable:
    """Items of the training rows.

    Attributes:
        names: raw item ids, each once.
        ids: int32 (num_items, slots of all item fields). Encoded item fields, in the layout's order.
        popularity: int32 (num_items,). Training rows of each item.
        values: what the item fields say, but for the item id, by field; None in tables that were written before these travelled.
    """

    names: tuple[str, ...]
    ids: np.ndarray
    popularity: np.ndarray
    values: Mapping[str, FieldValues] | None = None
