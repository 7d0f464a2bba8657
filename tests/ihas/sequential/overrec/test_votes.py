"""Votes of neighbours and shares of items."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.sequential.overrec.neighbours import Neighbours
from ihas.sequential.overrec.votes import shares, votes

FOUND = Neighbours(
    prefixes=np.array([[4, 2, 9], [1, -1, -1]]),
    values=np.array([[3.0, 2.0, 1.0], [0.5, 0.0, 0.0]]),
    targets=np.array([[1, 0, 1], [2, -1, -1]], np.int32),
)


def test_sum_and_assignment_by_hand() -> None:
    """Item 1 has votes of 3 and 1: their sum is 4, the nearest's is 3; empty places vote for nothing."""
    assert votes(FOUND, 3, "sum").tolist() == [[2.0, 4.0, 0.0], [0.0, 0.0, 0.5]]
    assert votes(FOUND, 3, "assign").tolist() == [[2.0, 3.0, 0.0], [0.0, 0.0, 0.5]]


def test_shares_by_hand() -> None:
    """A tenth goes by popularity, (n + 1) / 8 here; without a positive score all of it; a negative score is none."""
    counts = np.array([3, 1, 1])
    found = shares(np.array([[2.0, -5.0, 6.0], [0.0, -1.0, 0.0]]), counts, 0.1)
    assert found[0] == pytest.approx([0.9 * 0.25 + 0.05, 0.025, 0.9 * 0.75 + 0.025])
    assert found[1] == pytest.approx([0.5, 0.25, 0.25])
