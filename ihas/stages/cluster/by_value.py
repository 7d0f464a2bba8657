"""Groups of values of one field: rows that share a value are grouped alike, by the mean gates of its rows.

    m_v = (sum over rows of v of z + 20 m) / (n_v + 20)       m: mean of all rows; a value of few rows is drawn to it
    f   = argmax_f sum_j [SSB_fj - (V_f - 1) MSW_fj]          over gates j of the other fields; V_f values; the numerator of omega squared
    K   groups: K-means on m_v of the values of f over gates of the other fields, each counted n_v times

SSB and MSW are the sum of squares between values and the mean square within them. What a row's own values do to its gates hides, in
K-means on rows, which of them decides what the row needs; means over the rows of a value do not have it. Such a router adds one number
per group. Only fields with one value per row are read. Our choice, decision 106 (docs/decisions/0106-groups-of-values.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ihas.data.layout import FieldLayout
from ihas.gates.form import elements_of
from ihas.routing.additive import GRID, AdditiveRouter
from ihas.seeding import generator

RESTARTS = 16
SHRINKAGE = 20.0  # rows of the mean of all, beside those of a value
ROWS_OF_A_VALUE = 2  # on average, so that there is something within values to measure


class ValueGates(NamedTuple):
    """Gates of the values of one field.

    Attributes:
        field: its position.
        rows: int64 (values,). Table rows of the values that rows have, without the unknown one.
        counts: float64 (values, 1). Rows of each.
        sums: float64 (values, N). How many of them have each gate open.
    """

    field: int
    rows: np.ndarray
    counts: np.ndarray
    sums: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """Mean gates of each value, drawn to the mean of all: float64 (values, N)."""
        overall = self.sums.sum(axis=0) / self.counts.sum()
        return np.asarray((self.sums + SHRINKAGE * overall) / (self.counts + SHRINKAGE))

    def others(self, layout: FieldLayout) -> np.ndarray:
        """Whether a gate is another field's: bool (N,). What a value does to its own field's gates is no taste."""
        width = self.sums.shape[1]
        return ~np.isin(np.arange(width), elements_of((self.field,), width // layout.num_fields))


def deciding_field(ids: np.ndarray, gates: np.ndarray, layout: FieldLayout) -> ValueGates | None:
    """The field whose values tell most of the other fields' gates; None where none tells anything.

    Args:
        ids: int32 (rows, num_slots).
        gates: bool (rows, N).
        layout: where the fields lie.
    """
    found = [(_told(each, layout), each) for each in _fields(ids, gates, layout)]
    told, best = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return best if told > 0.0 else None


def _fields(ids: np.ndarray, gates: np.ndarray, layout: FieldLayout) -> Iterator[ValueGates]:
    vectors = layout.vectors or (0,) * layout.num_fields
    for field in range(layout.num_fields):
        if layout.slots[field] > 1 or vectors[field]:
            continue
        column = ids[:, layout.first_slots[field]]
        order = np.argsort(column, kind="stable")
        rows, first, counts = np.unique(column[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(gates[order], first, axis=0, dtype=np.float64)
        known = rows != layout.first_rows[field]
        if ROWS_OF_A_VALUE * known.sum() <= counts[known].sum():
            yield ValueGates(field, rows[known].astype(np.int64), counts[known].astype(np.float64)[:, None], sums[known])


def _told(values: ValueGates, layout: FieldLayout) -> float:
    """Sum of squares of other fields' gates that the values tell, above what values drawn at random would."""
    total = values.counts.sum()
    if len(values.rows) < 2:
        return 0.0
    means, overall = values.sums / values.counts, values.sums.sum(axis=0) / total
    between = (values.counts * (means - overall) ** 2).sum(axis=0)
    within = (values.sums * (1.0 - means)).sum(axis=0) / (total - len(means))  # a gate is 0 or 1: its squares are its sums
    told = between - (len(means) - 1) * within
    return float(told[values.others(layout)].sum())


def group_values(values: ValueGates, num_groups: int, layout: FieldLayout, seed: int) -> tuple[np.ndarray, AdditiveRouter] | None:
    """Mean gates of the groups, float32 (num_groups, N), and the sums that send a row to the group of its value.

    A row of an unknown value belongs to the largest group. None where the field has fewer values, or fewer that differ, than groups.
    """
    if len(values.rows) < num_groups:
        return None
    kmeans = KMeans(num_groups, n_init=RESTARTS, random_state=int(generator(seed, "cluster", "values", str(num_groups)).integers(2**31)))
    with threadpool_limits(1), warnings.catch_warnings():  # one thread sums in one order: the same groups to the bit on every run
        warnings.simplefilter("ignore", ConvergenceWarning)
        group = kmeans.fit(values.means[:, values.others(layout)], sample_weight=values.counts[:, 0]).labels_
    if len(np.unique(group)) < num_groups:
        return None
    member = (group == np.arange(num_groups)[:, None]) * values.counts[:, 0]  # (num_groups, values)
    sizes = member.sum(axis=1)
    centres = member @ values.means / sizes[:, None]
    weights = np.zeros((layout.num_rows, num_groups), np.int16)
    weights[values.rows, group] = GRID
    bias = np.where(np.arange(num_groups) == sizes.argmax(), GRID // 2, 0).astype(np.int32)
    return centres.astype(np.float32), AdditiveRouter(layout, weights, bias)
