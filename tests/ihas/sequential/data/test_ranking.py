"""Full-ranking figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.errors import ConfigError
from ihas.sequential.data.ranking import discounted_gains, paired_difference, ranking_metrics, ranks, target_ranks
from ihas.sequential.data.sequences import NextItem, Sequences

SCORES = np.array([[3.0, 1.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0], [5.0, 9.0, 7.0, 1.0]])
TARGETS = np.array([2, 1, 0])


def test_ranks_by_hand() -> None:
    """Second among 3, 2, 2 counts as third, for a tie goes before; where all tie the target is last; 9 and 7 are above 5."""
    assert target_ranks(SCORES, TARGETS).tolist() == [3, 4, 3]


def test_hidden_items_do_not_count() -> None:
    """Hidden items stand before nobody, however often they are named; an item that is hidden and below changes nothing."""
    hidden = Sequences.of([[0, 0, 1], [], [1, 3]])
    assert target_ranks(SCORES, TARGETS, hidden).tolist() == [2, 4, 2]


def test_a_hidden_target_is_not_found() -> None:
    """A target that must not be recommended takes the last place."""
    assert target_ranks(SCORES, TARGETS, Sequences.of([[2], [1], [0, 1]])).tolist() == [4, 4, 4]


def test_figures_by_hand() -> None:
    """Ranks 1, 3 and 7: one hit at 1, two at 5; gains 1, 1 / 2 and, from 7 on, 1 / 3."""
    found = ranking_metrics(np.array([1, 3, 7]), (1, 5, 10))
    assert found.hit_rate == pytest.approx({1: 1 / 3, 5: 2 / 3, 10: 1.0})
    assert found.ndcg == pytest.approx({1: 1 / 3, 5: 1.5 / 3, 10: (1.5 + 1 / 3) / 3})
    assert found.mrr == pytest.approx((1 + 1 / 3 + 1 / 7) / 3)
    assert found.rows == 3


def test_a_score_that_tells_nothing_earns_nothing() -> None:
    """Equal scores hit no target among the first hundred of more than a hundred items."""
    found = ranking_metrics(target_ranks(np.zeros((5, 101)), np.arange(5)), (100,))
    assert (found.hit_rate[100], found.ndcg[100]) == (0.0, 0.0)


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=5), st.data())
def test_ranks_are_those_of_sorting(rows: list[list[int]], data: st.DataObject) -> None:
    """The place of the target in a list sorted by falling score, ties before the target, hidden items taken out."""
    targets = [data.draw(st.integers(0, 5)) for _ in rows]
    hidden = [data.draw(st.lists(st.integers(0, 5), max_size=4)) for _ in rows]
    found = target_ranks(np.array(rows, float), np.array(targets), Sequences.of(hidden))
    for scores, target, gone, rank in zip(rows, targets, hidden, found.tolist(), strict=True):
        shown = [item for item in range(6) if item not in gone]
        order = sorted(shown, key=lambda item: (-scores[item], item == target))
        assert rank == (order.index(target) + 1 if target in shown else 6)


def test_paired_difference_by_hand() -> None:
    """Differences 1, 0, 1, 0 have mean 1 / 2 and deviation 1 / sqrt 3; a row alone says nothing."""
    found = paired_difference(np.array([1.0, 1, 1, 0]), np.array([0.0, 1, 0, 0]))
    half = 1.959964 / math.sqrt(3) / 2
    assert (found.difference, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    alone = paired_difference(np.ones(1), np.zeros(1))
    assert (alone.difference, alone.low, alone.high) == (1.0, -1.0, 1.0)


def test_interval_covers() -> None:
    """The 95 % interval of a difference of gains covers its expectation in about 95 of 100 draws."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        shared = rng.integers(1, 30, 300)
        own, base = np.maximum(shared - rng.integers(0, 3, 300), 1), shared
        found = paired_difference(discounted_gains(own, 10), discounted_gains(base, 10))
        covered += found.low <= _expected_gain() <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def _expected_gain() -> float:
    ranks = np.arange(1, 30)
    moved = np.stack([np.maximum(ranks - step, 1) for step in range(3)])
    return float((discounted_gains(moved, 10).mean(axis=0) - discounted_gains(ranks, 10)).mean())


@pytest.mark.parametrize(
    ("scores", "targets", "hidden", "law"),
    [
        (np.zeros((2, 3)), np.array([0]), None, "a row of scores, a target"),
        (np.zeros((1, 3)), np.array([3]), None, "must lie in 0 .. 2, but got 3"),
        (np.zeros((1, 3)), np.array([0]), Sequences.of([[-1]]), "must lie in 0 .. 2, but got -1"),
        (np.zeros((1, 3)), np.array([0]), Sequences.of([[0], [1]]), "hidden sequence for each user"),
        (np.array([[0.0, np.nan]]), np.array([0]), None, "NaN"),
    ],
)
def test_refuses_what_does_not_fit(scores: np.ndarray, targets: np.ndarray, hidden: Sequences | None, law: str) -> None:
    """Shapes, items and numbers are checked."""
    with pytest.raises(ConfigError, match=law):
        target_ranks(scores, targets, hidden)


def test_refuses_no_targets() -> None:
    """Without targets there are no figures."""
    with pytest.raises(ConfigError, match="at least one target"):
        ranking_metrics(np.empty(0, np.int64))


def test_ranks_in_blocks_are_those_of_all_rows() -> None:
    """Histories are scored in blocks, and hidden where that is asked for."""
    rows = NextItem(np.arange(3), Sequences.of([[0], [1, 2], [3, 1]]), TARGETS.astype(np.int32))
    scores = dict(zip(((0,), (1, 2), (3, 1)), SCORES, strict=True))

    def score(histories: Sequences) -> np.ndarray:
        return np.stack([scores[tuple(one.tolist())] for one in histories])

    assert ranks(score, rows, hide_history=False, block=2).tolist() == target_ranks(SCORES, TARGETS).tolist()
    assert ranks(score, rows, block=2).tolist() == [2, 4, 2]
