"""Groups of values of the field that decides which gates a row opens."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.cluster import ClusterConfig
from ihas.data.layout import PADDING, FieldLayout
from ihas.stages.cluster.by_value import ValueGates, deciding_field, group_values

LAYOUT = FieldLayout(("country", "device", "page"), (6, 4, 502), (1, 1, 1))


def _rows(rng: np.random.Generator, rows: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Ids and gates of two dimensions a field: the country says which gates of device and page open, 19 times of 20, and every field's
    value says its own gates."""
    local = np.column_stack([rng.integers(1, size, rows) for size in LAYOUT.vocabulary_sizes])
    kind = np.array([0, 0, 0, 1, 1, 2])[local[:, 0]]
    own = np.repeat(local % 2 == 0, 2, axis=1)
    wanted = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0]], bool)[kind]
    others = np.where(rng.random((rows, 4)) < 0.05, ~wanted, wanted)
    return (local + LAYOUT.first_rows).astype(np.int32), np.hstack([own[:, :2], others])


def test_the_field_that_decides_is_found_and_its_values_are_grouped() -> None:
    """Not one whose own gates follow its values, nor one of 500 values, which explain noise: the one that decides the others' gates."""
    ids, gates = _rows(np.random.default_rng(0))
    values = deciding_field(ids, gates, LAYOUT)
    assert values is not None
    assert LAYOUT.names[values.field] == "country"

    formed = group_values(values, 3, LAYOUT, seed=1)
    assert formed is not None
    centres, sums = formed
    group = sums.route(np.array([[value, 7, 11] for value in range(6)], np.int32)).group
    assert group[1] == group[2] != group[3] == group[4] != group[5] != group[1]
    assert centres.shape == (3, 6)
    assert sums.fields == (0,)
    np.testing.assert_allclose(centres[group[5], 2:], [0.95, 0.05, 0.95, 0.05], atol=0.03)


def test_an_unknown_value_belongs_to_the_largest_group() -> None:
    """Three values with 10, 200 and 30 rows, which open different gates."""
    values = ValueGates(0, np.array([1, 2, 3]), np.array([[10.0], [200.0], [30.0]]), np.array([[10.0, 0.0], [0.0, 200.0], [30.0, 15.0]]))
    formed = group_values(values, 3, FieldLayout(("a", "b"), (5, 2), (1, 1)), seed=0)

    assert formed is not None
    groups = formed[1].route(np.array([[value, 5] for value in range(5)], np.int32)).group
    assert groups[0] == groups[2] == groups[4]
    assert len(set(groups[1:4])) == 3


def test_means_of_few_rows_are_drawn_to_the_mean_of_all() -> None:
    """A value of 20 rows lies half way between its own mean and that of all, 60 of 100; one of 80 rows has (40 + 12) / 100."""
    values = ValueGates(0, np.array([1, 2]), np.array([[20.0], [80.0]]), np.array([[20.0], [40.0]]))

    assert values.means.tolist() == [[0.8], [0.52]]


def test_no_more_groups_than_values_that_differ() -> None:
    """Two values make no three groups, and two that open the same gates of the other field make no two."""
    layout = FieldLayout(("a", "b"), (4, 2), (1, 1))
    alike = ValueGates(0, np.array([2, 3]), np.array([[5.0], [5.0]]), np.array([[5.0, 1.0], [0.0, 1.0]]))

    assert group_values(alike, 3, layout, seed=0) is None
    assert group_values(alike, 2, layout, seed=0) is None


@pytest.mark.parametrize(
    "layout",
    [FieldLayout(("a",), (4,), (2,)), FieldLayout(("a",), (4,), (1,), (8,))],
    ids=["several values in a cell", "a vector"],
)
def test_only_fields_with_one_value_in_a_row_are_read(layout: FieldLayout) -> None:
    """Rows of these do not belong to one value."""
    ids = np.full((6, layout.num_slots), PADDING, np.int32)
    ids[:, 0] = [1, 1, 1, 2, 2, 2]

    assert deciding_field(ids, np.repeat([[True, False], [False, True]], 3, axis=0), layout) is None


def test_values_of_one_row_each_tell_nothing() -> None:
    """Where every row has a value of its own there is nothing to measure them against."""
    layout = FieldLayout(("id", "other"), (41, 3), (1, 1))
    ids = np.column_stack([np.arange(1, 41), np.full(40, 42)]).astype(np.int32)

    assert deciding_field(ids, np.random.default_rng(0).random((40, 4)) < 0.5, layout) is None


def test_values_alone_need_sums() -> None:
    """Groups of values have no other way to be served."""
    with pytest.raises(ValueError, match="must name more than `values` where `router` is `centroids`"):
        ClusterConfig(on=("values",), router="centroids")
