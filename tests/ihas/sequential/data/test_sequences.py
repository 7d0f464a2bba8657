"""Item sequences as values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.errors import DataError
from ihas.sequential.data.sequences import Sequences, leave_one_out, prefixes

LISTS = st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=8)


def _lists(sequences: Sequences) -> list[list[int]]:
    return [sequence.tolist() for sequence in sequences]


def test_parts_by_hand() -> None:
    """The last item is tested, the one before validates, the rest trains; a user with two items only trains."""
    parts = leave_one_out(Sequences.of([[4, 1, 2, 0], [3, 5], [6, 7, 8]]))
    assert _lists(parts.train) == [[4, 1], [3, 5], [6]]
    assert parts.valid.users.tolist() == parts.test.users.tolist() == [0, 2]
    assert (_lists(parts.valid.histories), parts.valid.targets.tolist()) == ([[4, 1], [6]], [2, 7])
    assert (_lists(parts.test.histories), parts.test.targets.tolist()) == ([[4, 1, 2], [6, 7]], [0, 8])


def test_parts_need_three_items() -> None:
    """Users of two items leave nothing to test on."""
    with pytest.raises(DataError, match="a user with 3 items or more, but the longest of 2 sequences has 2"):
        leave_one_out(Sequences.of([[1, 2], [3]]))


def test_prefixes_by_hand() -> None:
    """Each beginning comes with what followed it; one item alone is followed by nothing."""
    found = prefixes(Sequences.of([[4, 1, 2], [], [9], [3, 5]]))
    assert (_lists(found.histories), found.targets.tolist(), found.users.tolist()) == ([[4], [4, 1], [3]], [1, 2, 5], [0, 0, 3])


@given(LISTS, st.integers(0, 9))
def test_cuts_are_those_of_lists(lists: list[list[int]], length: int) -> None:
    """Beginnings, ends, choices and joins of sequences are those of the lists that they came from."""
    sequences = Sequences.of(lists)
    assert _lists(sequences) == lists
    assert _lists(sequences.last(length)) == [one[-length:] if length else [] for one in lists]
    assert _lists(sequences.first(length)) == [one[:length] for one in lists]
    assert _lists(sequences.first(-1 - length)) == [one[: max(0, len(one) - 1 - length)] for one in lists]
    order = np.arange(len(lists))[::-1]
    assert _lists(sequences.take(order)) == lists[::-1]
    assert _lists(sequences.followed_by(sequences.take(order))) == lists + lists[::-1]
    assert sequences.counts(10).tolist() == [sum(one.count(item) for one in lists) for item in range(10)]


@given(LISTS)
def test_prefixes_are_those_of_lists(lists: list[list[int]]) -> None:
    """Prefixes by slices."""
    found = prefixes(Sequences.of(lists))
    expected = [(user, one[:end], one[end]) for user, one in enumerate(lists) for end in range(1, len(one))]
    assert list(zip(found.users.tolist(), _lists(found.histories), found.targets.tolist(), strict=True)) == expected


def test_no_sequence_beyond_the_last() -> None:
    """A position outside is an error, not another sequence."""
    with pytest.raises(IndexError):
        Sequences.of([[1], [2]])[2]
