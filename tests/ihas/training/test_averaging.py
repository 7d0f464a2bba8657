"""The average of epochs, by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihas.training.averaging import EpochAverage


def _state(*values: float) -> list[np.ndarray]:
    return [np.array(values, np.float32)]


def test_is_the_mean_until_the_decay_bounds_it():
    """0, 3, 6 have means 0, 1.5, 3; the fourth state, 7, enters by a quarter under .8 and by a third under 2/3."""
    usual, bounded = EpochAverage(0.8), EpochAverage(2 / 3)
    found = [[average.add(_state(value))[0].item() for value in (0.0, 3.0, 6.0, 7.0)] for average in (usual, bounded)]

    np.testing.assert_allclose(found, [[0.0, 1.5, 3.0, 4.0], [0.0, 1.5, 3.0, 3.0 * 2 / 3 + 7 / 3]], rtol=1e-6)


def test_without_decay_it_is_the_newest():
    """And counts as one."""
    average = EpochAverage(0.0)

    assert [average.add(_state(value))[0].item() for value in (4.0, 9.0)] == [4.0, 9.0]
    assert average.count == 1


def test_begins_anew():
    """By a state of its own, or with the next one."""
    average = EpochAverage(0.8)
    average.add(_state(100.0))
    average.begin(_state(2.0))
    assert average.add(_state(4.0))[0].item() == 3.0

    average.forget()
    assert (average.add(_state(8.0))[0].item(), average.count) == (8.0, 1)


def test_shares_no_array():
    """States stay as they were, and a copy stays when the average goes on."""
    average, first = EpochAverage(0.8), _state(1.0, 2.0)
    average.add(first)
    copy = average.copy()
    average.add(_state(3.0, 6.0))

    np.testing.assert_array_equal(first[0], [1.0, 2.0])
    np.testing.assert_array_equal(copy[0], [1.0, 2.0])
    np.testing.assert_array_equal(average.state[0], [2.0, 4.0])


@given(st.lists(st.floats(-10.0, 10.0, width=32), min_size=1, max_size=40), st.floats(0.0, 0.99))
def test_lies_between_the_states(values: list[float], decay: float):
    """It is a weighted mean of them."""
    average = EpochAverage(decay)
    for value in values:
        found = average.add(_state(value))[0].item()

    assert min(values) - 1e-4 <= found <= max(values) + 1e-4
