"""The best come first, and probabilities stay between 0 and 1."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihas.serving.ranking import best, probabilities

few = st.lists(st.integers(-3, 3), min_size=1, max_size=30)


def test_probabilities_by_hand() -> None:
    """The logit 0 is 1/2, ln 3 is 3/4, and its opposite 1/4."""
    np.testing.assert_allclose(probabilities(np.array([0.0, np.log(3.0), -np.log(3.0)])), [0.5, 0.75, 0.25])


def test_probabilities_never_reach_the_ends() -> None:
    """Even logits of a thousand leave the score strictly between 0 and 1."""
    low, high = probabilities(np.array([-1000.0, 1000.0], np.float32)).tolist()
    assert 0.0 < low < 1e-12
    assert 1.0 - 1e-12 < high < 1.0


def test_best_by_hand() -> None:
    """Of 1, 3, 2, 3 the best three are the threes by name, then the two."""
    assert best(np.array([1.0, 3.0, 2.0, 3.0]), ["a", "z", "b", "c"].__getitem__, 3).tolist() == [3, 1, 2]


@given(few, st.integers(1, 40), st.randoms())
def test_best_is_the_head_of_the_sorted_list(logits: list[int], k: int, random: Random) -> None:
    """With ties anywhere, also across the k-th place, the answer is the first k of a full sort."""
    names = [f"item {number}" for number in range(len(logits))]
    random.shuffle(names)
    expected = sorted(range(len(logits)), key=lambda row: (-logits[row], names[row]))[:k]
    assert best(np.array(logits, np.float32), names.__getitem__, k).tolist() == expected
