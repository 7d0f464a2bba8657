"""An additive router fitted to groups that are known: softmax regression on one-hot ids.

    min over w, b   - sum_i ln softmax_{g_i}(b + sum_f w[id_if]) + n / 50,000 * |w|^2 / 2      n rows; L-BFGS

Then each field is centred: its mean over the training rows moves into b, and unknown values, and ids that no row has, become 0, so
that they speak for no group. A multi-valued cell is the mean of its values. Weights and form are our choice.
"""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.additive import GRID, AdditiveRouter, to_grid

ROWS_OF_WEIGHT_ONE = 50_000
MAX_ITERATIONS, TOLERANCE = 300, 1e-4
ROWS_OF_AN_ID, MAX_CELLS = 20, 10_000_000
"""Large vocabularies want more rows, for a rare id has few; so many cells are about 120 MB of one-hot rows."""


def rows_fitted(num_rows: int, layout: FieldLayout) -> int:
    """How many of so many training rows are fitted on."""
    wanted = max(ROWS_OF_WEIGHT_ONE, ROWS_OF_AN_ID * layout.num_rows)
    return min(num_rows, wanted, MAX_CELLS // layout.num_slots)


def fit_additive(ids: np.ndarray, group: np.ndarray, num_groups: int, layout: FieldLayout) -> AdditiveRouter | None:
    """The router that gives rows their groups as nearly as it can; None where a group has no row.

    Args:
        ids: int32 (rows, num_slots).
        group: int32 (rows,).
        num_groups: at least 2.
        layout: where the fields lie.
    """
    if len(np.unique(group)) < num_groups:
        return None
    rows = one_hot(ids, layout)
    model = LogisticRegression(C=ROWS_OF_WEIGHT_ONE / len(ids), max_iter=MAX_ITERATIONS, tol=TOLERANCE)
    with threadpool_limits(1), warnings.catch_warnings():  # one thread sums in one order: the same router to the bit on every run
        warnings.simplefilter("ignore", ConvergenceWarning)  # agreement with the groups is measured, whatever it ends with
        model.fit(rows, group)
    weights, bias = model.coef_.T, model.intercept_
    if num_groups == 2:  # one logit, that of group 1 against group 0
        weights, bias = np.hstack([-weights, weights]) / 2.0, np.array([-bias[0], bias[0]]) / 2.0
    frequency = np.asarray(rows.sum(axis=0)).reshape(-1) / len(ids)
    weights, bias = centred(weights, bias, frequency, layout)
    return AdditiveRouter(layout, to_grid(weights), np.rint(bias * GRID).astype(np.int32))


def one_hot(ids: np.ndarray, layout: FieldLayout) -> scipy.sparse.csr_matrix:
    """A column per table row, in which each of a cell's n values has 1 / n: int32 (rows, num_slots) -> float64 (rows, num_rows)."""
    present = ids != PADDING
    counts = np.add.reduceat(present, layout.first_slots, axis=1, dtype=np.int32).repeat(layout.slots, axis=1)
    ends = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return scipy.sparse.csr_matrix((1.0 / counts[present], ids[present], ends), shape=(len(ids), layout.num_rows))


def centred(weights: np.ndarray, bias: np.ndarray, frequency: np.ndarray, layout: FieldLayout) -> tuple[np.ndarray, np.ndarray]:
    """Weights whose mean over the training rows is 0 in every field, and the bias that keeps the sums.

    Args:
        weights: float64 (num_rows, num_groups).
        bias: float64 (num_groups,).
        frequency: float64 (num_rows,). Share of training rows with each id.
        layout: where the fields lie; the first id of a field is its unknown value, which becomes 0.
    """
    known = frequency.copy()
    known[layout.first_rows] = 0.0
    mass = np.maximum(np.add.reduceat(known, layout.first_rows), 1e-12)
    means = np.add.reduceat(known[:, None] * weights, layout.first_rows, axis=0) / mass[:, None]  # (num_fields, num_groups)
    moved = np.where(known[:, None] > 0.0, weights - means.repeat(layout.vocabulary_sizes, axis=0), 0.0)
    return moved, bias + means.sum(axis=0)
