"""Where each field's values lie in the fused embedding table.

All fields share one table. Field f owns `vocabulary_sizes[f]` neighbouring rows of it and `slots[f]` neighbouring
columns of an id matrix. An id is a row number of the table; -1 pads the unused slots of a multi-valued cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PADDING = -1


@dataclass(frozen=True)
class FieldLayout:
    """Fields, in the order of the id matrix.

    Attributes:
        names: field names.
        vocabulary_sizes: table rows of each field; the first row of each is its unknown value.
        slots: id-matrix columns of each field; more than one for a multi-valued field.
        vectors: numbers of each field that is a vector, 0 for others; empty where none is.
    """

    names: tuple[str, ...]
    vocabulary_sizes: tuple[int, ...]
    slots: tuple[int, ...]
    vectors: tuple[int, ...] = ()

    @property
    def num_fields(self) -> int:
        """Fields."""
        return len(self.names)

    @property
    def num_slots(self) -> int:
        """Columns of an id matrix."""
        return sum(self.slots)

    @property
    def num_rows(self) -> int:
        """Rows of the fused table."""
        return sum(self.vocabulary_sizes)

    @cached_property
    def first_rows(self) -> np.ndarray:
        """First table row of each field: int32 (num_fields,)."""
        return np.cumsum((0, *self.vocabulary_sizes[:-1])).astype(np.int32)

    @cached_property
    def first_slots(self) -> np.ndarray:
        """First id-matrix column of each field: int32 (num_fields,)."""
        return np.cumsum((0, *self.slots[:-1])).astype(np.int32)

    @property
    def single_valued(self) -> bool:
        """Whether every field has one slot, so that no pooling is needed."""
        return all(width == 1 for width in self.slots)

    def side(self, fields: Sequence[int]) -> FieldLayout:
        """Some fields alone, as a layout of their own: their positions, ascending."""
        sizes, slots = (tuple(part[f] for f in fields) for part in (self.vocabulary_sizes, self.slots))
        vectors = tuple(self.vectors[f] for f in fields) if self.vectors else ()
        return FieldLayout(tuple(self.names[f] for f in fields), sizes, slots, vectors if any(vectors) else ())

    def side_shift(self, fields: Sequence[int]) -> np.ndarray:
        """What turns ids of some fields into ids of their own layout, for each of their slots: int32 (slots of the fields,)."""
        own = self.side(fields)
        return np.repeat(own.first_rows - self.first_rows[list(fields)], own.slots).astype(np.int32)
