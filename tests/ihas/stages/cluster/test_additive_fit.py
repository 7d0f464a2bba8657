"""A router fitted to groups that are known."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.layout import PADDING, FieldLayout
from ihas.stages.cluster.additive_fit import centred, fit_additive, one_hot, rows_fitted

LAYOUT = FieldLayout(("a", "b"), (6, 8), (1, 2))


def _rows(rng: np.random.Generator, num_rows: int) -> np.ndarray:
    """Known values of both fields; half of the second field's cells have one value."""
    ids = np.stack([rng.integers(2, 6, num_rows), rng.integers(8, 14, num_rows), rng.integers(8, 14, num_rows)], axis=1)
    ids[rng.random(num_rows) < 0.5, 2] = PADDING
    return ids.astype(np.int32)


@pytest.mark.parametrize("num_groups", [2, 3, 5])
def test_groups_that_are_sums_are_found(num_groups: int) -> None:
    """Rows that a router of random numbers assigned are assigned so again, unseen ones too."""
    rng = np.random.default_rng(num_groups)
    true = rng.normal(0.0, 3.0, (LAYOUT.num_rows, num_groups))

    def group(ids: np.ndarray) -> np.ndarray:
        return np.asarray(np.asarray(one_hot(ids, LAYOUT) @ true).argmax(axis=1), np.int32)

    train, unseen = _rows(rng, 20_000), _rows(rng, 5_000)
    router = fit_additive(train, group(train), num_groups, LAYOUT)

    assert router is not None
    assert (router.route(unseen).group == group(unseen)).mean() > 0.98


def test_every_field_is_centred_and_unknown_values_are_neutral() -> None:
    """Over the training rows each field adds 0 on average, within a grid unit; unknown values and unseen ones add 0 exactly."""
    rng = np.random.default_rng(1)
    ids = _rows(rng, 5_000)
    ids[:500, 0] = 0  # rare values
    router = fit_additive(ids, (ids[:, 0] % 2).astype(np.int32), 2, LAYOUT)

    assert router is not None
    for block, rows in ((slice(0, 6), ids[500:]), (slice(6, 14), ids)):  # of the first field only known values are averaged
        frequency = np.asarray(one_hot(rows, LAYOUT).mean(axis=0)).ravel()[block]
        assert frequency @ router.weights[block] == pytest.approx([0.0, 0.0], abs=1.0)
    assert router.weights[[0, 1, 6, 7]].tolist() == [[0, 0]] * 4
    assert (np.abs(router.weights[2:6]) > 1_000).all()


def test_centring_moves_means_into_the_bias() -> None:
    """Weights 1 and 4 of values that 3 and 1 of four rows have: mean 1.75, so -.75, 2.25 and 1.75 in the bias; the unknown value's 9 and
    the unseen one's 7 become 0."""
    layout = FieldLayout(("a",), (4,), (1,))
    weights, bias = centred(np.array([[9.0], [1.0], [4.0], [7.0]]), np.array([0.5]), np.array([0.0, 0.75, 0.25, 0.0]), layout)

    assert weights.ravel().tolist() == [0.0, -0.75, 2.25, 0.0]
    assert bias.tolist() == [2.25]


def test_a_cell_is_the_mean_of_its_values() -> None:
    """Two values of a cell have a half each, a value twice has one."""
    rows = one_hot(np.array([[2, 8, 9], [3, 8, PADDING], [4, 10, 10]], np.int32), LAYOUT).toarray()

    assert [{int(c): float(row[c]) for c in np.flatnonzero(row)} for row in rows] == [{2: 1, 8: 0.5, 9: 0.5}, {3: 1, 8: 1}, {4: 1, 10: 1}]


def test_the_same_rows_give_the_same_router_to_the_bit() -> None:
    """Fitting again repeats every number."""
    ids = _rows(np.random.default_rng(2), 3_000)
    group = (ids[:, 1] % 3).astype(np.int32)
    one, other = (fit_additive(ids, group, 3, LAYOUT) for _ in range(2))

    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(one.bias, other.bias)


def test_large_vocabularies_are_fitted_on_more_rows() -> None:
    """50,000 rows, or 20 for each id where that is more, as long as there are so many and they fit into memory."""
    small, large, huge = (FieldLayout(("a", "b"), (ids, ids), (1, 3)) for ids in (10, 5_000, 500_000))

    assert [rows_fitted(10**7, layout) for layout in (small, large, huge)] == [50_000, 200_000, 2_500_000]
    assert rows_fitted(1_000, huge) == 1_000


def test_a_group_without_rows_has_no_router() -> None:
    """Nothing can be fitted to a group that no row is in."""
    ids = _rows(np.random.default_rng(3), 10)

    assert fit_additive(ids, np.zeros(10, np.int32), 2, LAYOUT) is None
