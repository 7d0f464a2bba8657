"""Sums of numbers per id say the group, to the bit and in any order."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.additive import AdditiveRouter, best_group, cell_scores, margins, runner_up, sum_scores, to_grid
from tests.ihas.bundle_factory import SUMS, rows, summed_bundle

LAYOUT = FieldLayout(("a", "b", "c"), (3, 5, 4), (1, 3, 1))
seeds = st.integers(0, 2**32 - 1)


def _random(seed: int, num_groups: int = 3, layout: FieldLayout = LAYOUT) -> tuple[AdditiveRouter, np.ndarray]:
    """A router on any numbers, and 30 rows with one to three values, or none, in the middle cell."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-32_767, 32_768, (layout.num_rows, num_groups)).astype(np.int16)
    firsts = np.repeat(layout.first_rows, layout.slots)
    ids = firsts + rng.integers(0, np.repeat(layout.vocabulary_sizes, layout.slots), (30, layout.num_slots))
    ids[:, 1:4][rng.random((30, 3)) < 0.4] = PADDING
    return AdditiveRouter(layout, weights, rng.integers(-2_000, 2_000, num_groups).astype(np.int32)), ids.astype(np.int32)


def test_sums_are_those_worked_out_by_hand() -> None:
    """A mean of 78.5 becomes 79, one of -77.5 becomes -77; groups, runners-up and margins follow."""
    bundle = summed_bundle()
    route = bundle.router.route(bundle.encoder.encode_rows(rows()))

    assert route.scores.tolist() == [list(pair) for pairs in SUMS.values() for pair in pairs]
    assert route.scores.dtype == np.int32
    assert route.group.tolist() == [0, 0, 0, 1, 1, 1]
    assert runner_up(route.scores, route.group).tolist() == [1, 1, 1, 0, 0, 0]
    assert margins(route.scores).tolist() == [2140, 1793, 1974, 1956, 2303, 2122]


def test_unknown_values_count_zero() -> None:
    """An unknown user with an unknown film has the bias alone."""
    bundle = summed_bundle()
    ids = bundle.encoder.encode_rows([{"user": "eve", "genres": "none such", "movie": "m9"}])

    assert bundle.router.route(ids).scores.tolist() == [[0, 64]]


def test_ties_go_to_the_lower_number() -> None:
    """Of equal sums the first group is taken, the next one is the runner-up, and the margin is 0."""
    scores = np.array([[5, 7, 7], [1, 1, 1]], np.int32)

    assert best_group(scores).tolist() == [1, 0]
    assert runner_up(scores, best_group(scores)).tolist() == [2, 1]
    assert margins(scores).tolist() == [0, 0]
    assert margins(scores[:, :1]).tolist() == [0, 0]


def test_numbers_are_rounded_to_the_grid() -> None:
    """A unit is 2^-10; halves go to the even unit, and what is too large becomes the largest."""
    found = to_grid(np.array([0.0, 1.0, -1.0, 1.5 / 1024, 2.5 / 1024, 40.0, -40.0]))

    assert found.tolist() == [0, 1024, -1024, 2, 2, 32_767, -32_767]
    assert found.dtype == np.int16


@given(seeds)
def test_a_cell_is_the_rounded_mean_of_its_values(seed: int) -> None:
    """Cell by cell in exact fractions: floor(mean + 1/2) of the values that are there, 0 where none is."""
    router, ids = _random(seed)
    found = cell_scores(ids, router.weights, LAYOUT)
    for row, cells in enumerate((own[:1], own[1:4], own[4:]) for own in ids.tolist()):
        for field, cell in enumerate(cells):
            values = [router.weights[value].tolist() for value in cell if value != PADDING]
            exact = [floor(Fraction(sum(column), len(values)) + Fraction(1, 2)) for column in zip(*values, strict=True)]
            assert found[field, row].tolist() == (exact or [0] * router.num_groups)


@given(seeds, st.permutations(range(3)), st.permutations(range(3)))
def test_sums_do_not_depend_on_their_order(seed: int, fields: list[int], values: list[int]) -> None:
    """Fields in another order, values of a cell in another order, rows alone: the same integers."""
    router, ids = _random(seed)
    order = np.concatenate([np.flatnonzero(np.repeat([0, 1, 2], LAYOUT.slots) == field) for field in fields])
    other = LAYOUT.side(list(fields))
    shuffled = ids.copy()
    shuffled[:, 1:4] = ids[:, 1:4][:, values]
    expected = router.scores(ids)

    np.testing.assert_array_equal(sum_scores(ids[:, order], router.weights, other) + router.bias, expected)
    np.testing.assert_array_equal(router.scores(shuffled), expected)
    np.testing.assert_array_equal(np.concatenate([router.scores(ids[row : row + 1]) for row in range(len(ids))]), expected)


@given(seeds, st.sets(st.integers(0, 2)))
def test_two_sides_add_up_to_the_whole(seed: int, context: set[int]) -> None:
    """Any division of the fields in two gives sums that add up to those of whole rows."""
    router, ids = _random(seed)
    total = np.zeros((len(ids), 3), np.int32) + router.bias
    for fields in (sorted(context), sorted({0, 1, 2} - context)):
        if fields:
            columns = np.isin(np.repeat([0, 1, 2], LAYOUT.slots), fields)
            total += sum_scores(ids[:, columns], router.weights, LAYOUT.side(fields))

    np.testing.assert_array_equal(total, router.scores(ids))


@given(seeds, st.integers(2, 4))
def test_margins_split_exactly_into_fields(seed: int, num_groups: int) -> None:
    """Bias and fields add up to the margin of the best sum over the second best."""
    router, ids = _random(seed, num_groups)
    route = router.route(ids)
    second, bias, fields = router.parts(ids, route.group)

    np.testing.assert_array_equal(bias + fields.sum(axis=1), margins(route.scores))
    np.testing.assert_array_equal(route.scores[np.arange(30), second], np.sort(route.scores, axis=1)[:, -2])
    assert (second != route.group).all()


@pytest.mark.parametrize("slots", [(1, 3, 1), (1, 1, 1)])
def test_no_rows_have_no_groups(slots: tuple[int, ...]) -> None:
    """Of no rows come no sums and no groups."""
    layout = FieldLayout(LAYOUT.names, LAYOUT.vocabulary_sizes, slots)
    router = AdditiveRouter(layout, np.zeros((12, 2), np.int16), np.zeros(2, np.int32))
    route = router.route(np.zeros((0, layout.num_slots), np.int32))

    assert (route.scores.shape, route.group.shape) == ((0, 2), (0,))


@given(seeds, st.sets(st.integers(0, 2)), st.sets(st.integers(0, 2)))
def test_fields_without_numbers_are_not_read(seed: int, silent: set[int], context: set[int]) -> None:
    """Whichever fields say nothing, whole rows and their two sides have the sums of all cells, and only what is read is counted."""
    random, ids = _random(seed)
    weights = random.weights.copy()
    for field in silent:
        weights[LAYOUT.first_rows[field] :][: LAYOUT.vocabulary_sizes[field]] = 0
    router = AdditiveRouter(LAYOUT, weights, random.bias)
    expected = sum_scores(ids, weights, LAYOUT) + router.bias
    sides = np.zeros((len(ids), 3), np.int32) + router.bias
    for fields in (sorted(context), sorted({0, 1, 2} - context)):
        sides += router.side(fields).scores(ids[:, np.isin(np.repeat([0, 1, 2], LAYOUT.slots), fields)])

    assert router.fields == tuple(sorted({0, 1, 2} - silent))
    assert router.additions == 3 * sum(LAYOUT.slots[field] for field in router.fields)
    np.testing.assert_array_equal(router.scores(ids), expected)
    np.testing.assert_array_equal(sides, expected)
