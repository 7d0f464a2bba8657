"""Popularity and session neighbours."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ihas.sequential.data.baselines import Popularity, SessionNeighbours
from ihas.sequential.data.sequences import Sequences

SEQUENCES = Sequences.of([[0, 1], [1, 2, 3], [0, 1, 4], [5]])


def test_popularity_is_the_counts() -> None:
    """Whatever the history."""
    assert Popularity(np.array([3, 1])).scores(Sequences.of([[0], [1, 1]])).tolist() == [[3.0, 1.0], [3.0, 1.0]]


def test_session_neighbours_by_hand() -> None:
    """{0, 1} has 1 with {0, 1}, 2 / sqrt 6 with {0, 1, 4} and 1 / sqrt 6 with {1, 2, 3}; the two nearest vote for their items."""
    found = SessionNeighbours.of(SEQUENCES, 6, 2).scores(Sequences.of([[1, 0, 1]]))[0]
    near = 2 / math.sqrt(6)
    assert found == pytest.approx([1 + near, 1 + near, 0, 0, near, 0])
    assert SessionNeighbours.of(SEQUENCES, 6, 3).scores(Sequences.of([[1, 0]]))[0][3] == pytest.approx(1 / math.sqrt(6))


def test_of_equal_neighbours_the_first_is_taken() -> None:
    """{1} is as near to [1, 2] as to [1, 3]; one neighbour is the first of them."""
    found = SessionNeighbours.of(Sequences.of([[1, 2], [1, 3]]), 4, 1).scores(Sequences.of([[1]]))[0]
    assert (found[2] > 0, found[3]) == (True, 0.0)


def test_strangers_have_no_neighbours() -> None:
    """An empty history and one of unknown items score 0 everywhere."""
    assert (SessionNeighbours.of(SEQUENCES, 6, 2).scores(Sequences.of([[], [-1, 9]])) == 0.0).all()
