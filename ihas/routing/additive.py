"""From ids to a group by sums: a number per id and group, added over the fields.

    s_k(row) = b_k + sum_f c_fk,   c_fk = w_k[id_f]                        a cell with one value
                                   c_fk = floor(mean of w_k over the cell's values + 1/2)   a cell with several
    g = argmax_k s_k, ties to the lower number;   margin = s_g - max over k != g of s_k

All numbers are integers, in units of 2^-10 of a log-odds (the grid). So sums do not depend on their order, the context's and the items'
sums add up exactly, and the margin splits exactly into the fields' parts. Padding is no value; a cell without values adds 0.
NumPy only; the clustering stage and the serving process call these very functions. Our choice: decision 11
(docs/decisions/0011-sums-of-ids-say-the-group.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.route import Route, without

GRID = 1_024
"""Grid units of a log-odds."""
LARGEST = np.iinfo(np.int16).max


def to_grid(weights: np.ndarray) -> np.ndarray:
    """The nearest grid units, half to even, as int16; what lies beyond +-31.99 becomes that: float64, any shape."""
    return np.asarray(np.clip(np.rint(weights * GRID), -LARGEST, LARGEST), np.int16)


def cell_scores(ids: np.ndarray, weights: np.ndarray, layout: FieldLayout) -> np.ndarray:
    """What each cell adds to the sums.

    Args:
        ids: int32 (rows, slots of the layout). Rows of `weights`; -1 is padding.
        weights: int16 (num_rows, num_groups).
        layout: the fields and their slots; only these are read of it.

    Returns:
        int16 or int32 (num_fields, rows, num_groups).
    """
    by_slot = ids.T
    if layout.single_valued:
        return np.asarray(weights.take(by_slot, axis=0))
    present = by_slot != PADDING
    gathered = weights.take(np.where(present, by_slot, 0), axis=0).astype(np.int32) * present[..., None]  # (slots, rows, num_groups)
    sums = np.add.reduceat(gathered, layout.first_slots, axis=0)
    counts = np.maximum(np.add.reduceat(present, layout.first_slots, axis=0, dtype=np.int32), 1)[..., None]
    return np.asarray((2 * sums + counts) // (2 * counts))


def sum_scores(ids: np.ndarray, weights: np.ndarray, layout: FieldLayout) -> np.ndarray:
    """What the cells of each row add to the sums together: int32 (rows, num_groups); arguments as `cell_scores`."""
    return np.asarray(np.add.reduce(cell_scores(ids, weights, layout), axis=0, dtype=np.int32))


def speaking_fields(weights: np.ndarray, layout: FieldLayout) -> tuple[int, ...]:
    """Positions of the fields that add anything to the sums: int16 (num_rows, num_groups)."""
    return tuple(np.flatnonzero(np.logical_or.reduceat(weights.any(axis=1), layout.first_rows)).tolist())


def best_group(scores: np.ndarray) -> np.ndarray:
    """The group of largest score, the lowest of equals: int32 (rows, num_groups) -> (rows,)."""
    return np.asarray(scores.argmax(axis=1), np.int32)


def runner_up(scores: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The best of the other groups, the lowest of equals: int32 (rows, num_groups), (rows,) -> (rows,); needs two groups."""
    others = scores.astype(np.int64)
    others[np.arange(len(others)), group] = np.iinfo(np.int64).min
    return best_group(others)


def margins(scores: np.ndarray) -> np.ndarray:
    """Best score minus the best of the others, in grid units: int32 (rows, num_groups) -> (rows,); 0 where there is one group."""
    if scores.shape[1] == 1:
        return np.zeros(len(scores), np.int32)
    nearest_two = np.partition(scores, -2, axis=1)[:, -2:]
    return np.asarray(nearest_two[:, 1] - nearest_two[:, 0])


@dataclass(frozen=True)
class SideSums:
    """Sums of some fields of rows.

    Attributes:
        weights: int16 (num_rows, num_groups). Of all fields.
        layout: the fields that add anything.
        columns: bool (slots of the fields,). Which of the ids are theirs; None where all are.
    """

    weights: np.ndarray
    layout: FieldLayout
    columns: np.ndarray | None

    def scores(self, ids: np.ndarray) -> np.ndarray:
        """int32 (rows, slots of the fields), rows of `weights` -> int32 (rows, num_groups)."""
        return sum_scores(ids if self.columns is None else ids[:, self.columns], self.weights, self.layout)


@dataclass(frozen=True)
class AdditiveRouter:
    """Sends rows to groups by sums over their ids.

    Attributes:
        layout: where the fields lie.
        weights: int16 (num_rows, num_groups). Grid units; 0 for unknown values and for ids that no training row has.
        bias: int32 (num_groups,). Grid units.
    """

    layout: FieldLayout
    weights: np.ndarray
    bias: np.ndarray

    @property
    def num_groups(self) -> int:
        """Groups."""
        return int(self.weights.shape[1])

    @cached_property
    def fields(self) -> tuple[int, ...]:
        """Positions of the fields that add anything; the others are not read."""
        return speaking_fields(self.weights, self.layout)

    @cached_property
    def additions(self) -> int:
        """Numbers that are added for a row."""
        return self.layout.side(self.fields).num_slots * self.num_groups

    def side(self, fields: Sequence[int]) -> SideSums:
        """Sums of some fields, whose positions ascend, worked out once for many rows; without the bias."""
        read = [field for field in fields if field in self.fields]
        widths = np.array(self.layout.slots, np.int64)[list(fields)]
        columns = None if len(read) == len(fields) else np.repeat(np.isin(fields, read), widths)
        return SideSums(self.weights, self.layout.side(read), columns)

    @cached_property
    def _whole(self) -> SideSums:
        return self.side(range(self.layout.num_fields))

    def scores(self, ids: np.ndarray) -> np.ndarray:
        """Sums of rows: ids int32 (rows, num_slots) -> int32 (rows, num_groups)."""
        return np.asarray(self._whole.scores(ids) + self.bias)

    def route(self, ids: np.ndarray) -> Route:
        """Group of each row: ids int32 (rows, num_slots)."""
        scores = self.scores(ids)
        return Route(best_group(scores), without(len(ids), np.bool_), without(len(ids), np.float32), scores)

    def parts(self, ids: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The margin of rows, split: which group comes second, and what speaks for the row's group against that one.

        Args:
            ids: int32 (rows, num_slots).
            group: int32 (rows,). Groups of the rows.

        Returns:
            second: int32 (rows,), the runner-up.
            bias: int32 (rows,), the bias of the group minus that of the runner-up.
            fields: int32 (rows, num_fields), each field's part; with `bias` they add up to the margin. Needs two groups.
        """
        cells = cell_scores(ids, self.weights, self.layout)
        second = runner_up(np.add.reduce(cells, axis=0, dtype=np.int32) + self.bias, group)
        rows = np.arange(len(ids))
        fields = cells[:, rows, group].astype(np.int32) - cells[:, rows, second]
        return second, self.bias[group] - self.bias[second], np.ascontiguousarray(fields.T)
