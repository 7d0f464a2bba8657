"""Steps of a table that every process of a training has whole, on a batch of which each has a share.

    every rank      finds the batch's distinct rows and reads them, so that tables stay equal to the bit
    rank r          G_r = sums of its share's gradients over each row that the share reads, which it sends
    every rank      applies sum over r of G_r, in the order of ranks

All ranks know the whole batch's ids, so that no row's number is sent. Source: our choice (decision 101).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.layers.batch_shares import Ranks
from ihas.optim import table_kernels as kernels
from ihas.optim.table_optimizer import aligned
from ihas.optim.tied_table import Table


def share_of(num_rows: int, rank: int, count: int) -> slice:
    """A rank's rows of a batch."""
    return slice(num_rows * rank // count, num_rows * (rank + 1) // count)


@dataclass(frozen=True)
class _Read:
    """A batch as it was read: its distinct rows int32 (n,), and for each rank where its slots' rows stand among them, -1 for padding."""

    rows: np.ndarray
    positions: list[np.ndarray]


class BatchRows:
    """Reads and changes a table, batch by batch, together with the other ranks."""

    def __init__(self, table: Table, ranks: Ranks) -> None:
        self._table, self._ranks = table, ranks
        self._seen = np.full(len(table.values), -1, np.int32)
        self._read = _Read(np.zeros(0, np.int32), [])

    def share(self, num_rows: int) -> slice:
        """This rank's rows of a batch of so many."""
        return share_of(num_rows, self._ranks.rank, self._ranks.count)

    def look_up(self, ids: np.ndarray, learning_rate: float) -> np.ndarray:
        """Rows that this rank's share of ids int32 (batch, num_slots) reads: float32 (own rows * num_slots, width), zeros for padding."""
        flat = np.ascontiguousarray(ids).reshape(-1)
        rows, positions = np.empty(len(flat), np.int32), np.empty(len(flat), np.int32)
        rows = rows[: kernels.distinct(flat, self._seen, rows, positions)]
        by_row, count = positions.reshape(ids.shape), self._ranks.count
        self._read = _Read(rows, [by_row[share_of(len(ids), rank, count)].reshape(-1) for rank in range(count)])
        found, own = self._table.look_up(rows[:, None], learning_rate), self._read.positions[self._ranks.rank]
        values = aligned(len(own), found.shape[1])
        kernels.gather(found[:, None], own, values)
        return values

    def apply(self, gradient: np.ndarray, learning_rate: float) -> None:
        """One step: `gradient` float32 (own rows * num_slots, width) belongs to the batch last looked up."""
        rows, positions = self._read.rows, self._read.positions
        sums, shape = np.empty((len(rows), gradient.shape[1]), np.float32), (-1, gradient.shape[1])
        kernels.scatter_sum(gradient, positions[self._ranks.rank], sums)
        touched = [_touched(one, len(rows)) for one in positions]
        parts = self._ranks.gather(sums[touched[self._ranks.rank]].reshape(-1))
        sums[:] = 0.0
        for numbers, part in zip(touched, parts, strict=True):
            sums[numbers] += part.reshape(shape)
        self._table.apply(rows[:, None], sums, learning_rate)


def _touched(positions: np.ndarray, count: int) -> np.ndarray:
    """The numbers, ascending, that occur among `positions`, each below `count`, or below 0 for none."""
    flags = np.zeros(count + 1, bool)  # padding, -1, sets the last
    flags[positions] = True
    return np.flatnonzero(flags[:count])
