"""A table in which the rows of a vector's levels are multiples of one row for each of its numbers, while it is trained.

    row of number j at level q  =  level_q W_j                  W in R^(dim, width), learnt
    G_j  =  sum over the batch's ids (j, q) of level_q g        g: gradient of what the id read

Outside, the table has a row for every id, as any other. What is trained is W, one row for each number, and the rows of all other ids.
A table that is not of this form, such as a fresh one, becomes the nearest that is, by least squares. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ihas.data.field_encoders import FIRST_VALUE, LEVELS, level_values
from ihas.data.layout import FieldLayout


class Table(Protocol):
    """A table while it is trained: calls of `ihas.optim.table_optimizer.TableByRows`."""

    @property
    def values(self) -> np.ndarray:
        """The table, float32 (num_rows, width)."""

    def look_up(self, ids: np.ndarray, learning_rate: float) -> np.ndarray:
        """Rows that ids int32 (batch, num_slots) read: float32 (batch * num_slots, width), zeros for padding."""

    def apply(self, ids: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """One step: `gradient` float32 (batch * num_slots, width) belongs to the batch last looked up."""

    def settle(self, learning_rate: float) -> None:
        """Note the end of an epoch."""

    @property
    def steps(self) -> int:
        """Steps done."""


class TiedTable:
    """A table with vectors.

    Attributes:
        values: float32 (num_rows, width). A row for every id; `settle` makes it whole. Where it is set between epochs, training goes on
            from it.
    """

    def __init__(self, values: np.ndarray, layout: FieldLayout, make: Callable[[np.ndarray, FieldLayout], Table]) -> None:
        """
        Args:
            values: float32 (num_rows, width). What it starts as.
            layout: where the fields lie.
            make: what trains the rows that are learnt, from these and where the fields lie in them.
        """
        self._source, self._scale = ties_of(layout)
        self.values = values.copy()
        self._learnt, self._stale = make(self._nearest(), learnt_layout(layout)), True

    def look_up(self, ids: np.ndarray, learning_rate: float) -> np.ndarray:
        """As `Table.look_up`."""
        if self._stale and not np.array_equal(self.values, self._whole()):  # else rounding alone would be a new start to a product
            self._learnt.values[...] = self._nearest()
        self._stale = False
        found = self._learnt.look_up(self._own(ids), learning_rate)
        found *= self._scales(ids)
        return found

    def apply(self, ids: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """As `Table.apply`."""
        self._learnt.apply(self._own(ids), gradient * self._scales(ids), learning_rate)

    def settle(self, learning_rate: float) -> None:
        """Make `values` whole."""
        self._learnt.settle(learning_rate)
        self.values[...] = self._whole()
        self._stale = True

    @property
    def steps(self) -> int:
        """Steps done."""
        return self._learnt.steps

    def _whole(self) -> np.ndarray:
        return np.asarray(self._learnt.values[self._source] * self._scale[:, None])

    def _nearest(self) -> np.ndarray:
        starts = np.flatnonzero(np.diff(self._source, prepend=-1))
        products = np.add.reduceat(self.values * self._scale[:, None], starts, axis=0)
        return np.asarray(products / np.add.reduceat(self._scale**2, starts)[:, None], np.float32)

    def _own(self, ids: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(ids < 0, ids, self._source[np.maximum(ids, 0)]))

    def _scales(self, ids: np.ndarray) -> np.ndarray:
        return np.asarray(self._scale[np.maximum(ids, 0)].reshape(-1, 1))


def ties_of(layout: FieldLayout) -> tuple[np.ndarray, np.ndarray]:
    """The learnt row of each id, ascending, and what multiplies it: int32 (num_rows,), float32 (num_rows,)."""
    sources, scales, first = [], [], 0
    for size, dim in zip(layout.vocabulary_sizes, layout.vectors, strict=True):
        own = np.arange(size) if not dim else np.append(np.arange(FIRST_VALUE), FIRST_VALUE + np.repeat(np.arange(dim), LEVELS))
        sources.append(first + own)
        scales.append(np.ones(size) if not dim else np.append(np.ones(FIRST_VALUE), np.tile(level_values(dim), dim)))
        first += own[-1] + 1
    return np.concatenate(sources).astype(np.int32), np.concatenate(scales).astype(np.float32)


def learnt_layout(layout: FieldLayout) -> FieldLayout:
    """Where the fields lie among the rows that are learnt."""
    sizes = (FIRST_VALUE + dim if dim else size for size, dim in zip(layout.vocabulary_sizes, layout.vectors, strict=True))
    return FieldLayout(layout.names, tuple(sizes), layout.slots)
