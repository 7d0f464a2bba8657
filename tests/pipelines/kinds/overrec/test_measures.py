"""Ranks from neighbours alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.sequential.data.ranking import target_ranks
from ihas.sequential.data.sequences import NextItem, Sequences
from ihas.sequential.overrec.neighbours import Neighbours
from ihas.sequential.overrec.votes import votes
from ihas_pipelines.kinds.overrec.measures import neighbour_ranks

NUM_ITEMS = 6


@given(st.data())
def test_are_those_of_a_score_for_every_item(data: st.DataObject) -> None:
    """Whatever neighbours there are, with ties, empty places, targets in the history or without a vote."""
    count, k = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    cells = st.lists(st.integers(-1, NUM_ITEMS - 1), min_size=k, max_size=k)
    targets = np.array([data.draw(cells) for _ in range(count)], np.int32)
    drawn = np.array([data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=k, max_size=k)) for _ in range(count)])
    found = Neighbours(np.where(targets >= 0, 1, -1), np.where(targets >= 0, drawn, 0.0), targets)
    histories = Sequences.of([data.draw(st.lists(st.integers(0, NUM_ITEMS - 1), max_size=4)) for _ in range(count)])
    wanted = np.array([data.draw(st.integers(0, NUM_ITEMS - 1)) for _ in range(count)], np.int32)
    rows = NextItem(np.arange(count), histories, wanted)
    for form in ("sum", "assign"):
        scores = votes(found, NUM_ITEMS, form)  # type: ignore[arg-type]
        for hide in (False, True):
            expected = target_ranks(scores, wanted, histories if hide else None)
            assert neighbour_ranks(found, rows, NUM_ITEMS, form, hide_history=hide).tolist() == expected.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(("hide", "rank"), [(False, 3), (True, 2)])
def test_by_hand(hide: bool, rank: int) -> None:
    """Item 2 has one vote of 1; 0 has 3, and 1, which is in the history, has 1."""
    found = Neighbours(np.array([[5, 6, 7]]), np.array([[3.0, 1.0, 1.0]]), np.array([[0, 1, 2]], np.int32))
    rows = NextItem(np.array([0]), Sequences.of([[1, 3]]), np.array([2], np.int32))
    assert neighbour_ranks(found, rows, NUM_ITEMS, "sum", hide_history=hide).tolist() == [rank]
