"""Metrics of labels that are fractions, against counting every pair, and against the metrics of labels 0 and 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.graded_metrics import (
    above_middle,
    are_fractions,
    concordance,
    concordance_difference,
    count_pairs,
    graded_ndcg,
    group_concordance,
)
from ihas.metrics import auc, auc_difference, click_metrics, group_auc, group_ndcg

SEEDS = st.integers(0, 2**31 - 1)


def _rows(seed: int, count: int, levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with equal ones among them, labels of so many levels, and groups."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=count).round(1), rng.integers(0, levels, count) / max(levels - 1, 1), rng.integers(0, 4, count)


@given(SEEDS, st.integers(0, 60), st.sampled_from([1, 2, 3, 7, 500]), st.booleans())
def test_pairs_are_those_of_counting_each(seed: int, count: int, levels: int, grouped: bool) -> None:
    """Of every row, with rows of another label in its group; equal scores count half."""
    scores, labels, groups = _rows(seed, count, levels)
    found = count_pairs(scores, labels, groups if grouped else None)
    order, side = np.sign(labels[:, None] - labels), np.sign(scores[:, None] - scores)
    counted = (order != 0) & ((groups[:, None] == groups) | (not grouped))
    np.testing.assert_allclose(found.pairs, counted.sum(axis=1))
    np.testing.assert_allclose(found.wins, (((order * side > 0) + 0.5 * (side == 0)) * counted).sum(axis=1))


@given(SEEDS)
def test_labels_of_two_classes_have_auc_gauc_and_ndcg(seed: int) -> None:
    """The same numbers as the metrics of clicks."""
    scores, labels, groups = _rows(seed, 80, 2)
    assert concordance(scores, labels) == pytest.approx(auc(scores, labels))
    assert group_concordance(scores, labels, groups) == pytest.approx(group_auc(scores, labels, groups))
    assert graded_ndcg(scores, labels, groups, 10) == pytest.approx(group_ndcg(scores, labels, groups))


def test_ndcg_of_a_known_order() -> None:
    """Gains 1, .5 and 0, of which the last two are swapped; a group of one label does not count."""
    scores, labels = np.array([3.0, 1.0, 2.0, 5.0, 6.0]), np.array([1.0, 0.5, 0.0, 0.25, 0.25])
    found = graded_ndcg(scores, labels, np.array([4, 4, 4, 7, 7]), 10)
    assert found == pytest.approx((1.0 + 0.5 / np.log2(4.0)) / (1.0 + 0.5 / np.log2(3.0)))
    assert graded_ndcg(scores[3:], labels[3:], np.array([0, 0]), 10) is None
    assert graded_ndcg(scores[:0], labels[:0], np.zeros(0, int), 10) is None


def test_the_interval_of_clicks_is_about_that_of_delong() -> None:
    """The paired interval of two classes, by both formulas."""
    rng = np.random.default_rng(1)
    labels = (rng.random(4_000) < 0.3).astype(np.float64)
    own = labels + rng.normal(size=4_000)
    other = own + 0.5 * rng.normal(size=4_000)
    found, known = concordance_difference(own, other, labels, confidence=0.95), auc_difference(own, other, labels)
    assert found.difference == pytest.approx(known.difference)
    assert found.low == pytest.approx(known.low, rel=0.01)


def test_the_interval_covers_the_difference_as_often_as_it_says() -> None:
    """Of two scores that are equally good, between 90 % and 99 % of 200 intervals of 95 % hold 0."""
    rng, covered = np.random.default_rng(2), 0
    for _ in range(200):
        labels = rng.random(150)
        scores = labels + rng.normal(size=(2, 150))
        found = concordance_difference(scores[0], scores[1], labels, confidence=0.95)
        covered += found.low <= 0.0 <= found.high
    assert 180 <= covered <= 198


def test_nothing_is_known_of_one_label() -> None:
    """No index, and an interval of all."""
    alike = np.full(9, 0.4)
    assert auc(np.arange(9.0), alike) is None
    found = concordance_difference(np.arange(9.0), np.arange(9.0)[::-1], alike, confidence=0.95)
    assert (found.difference, found.low, found.high) == (0.0, -1.0, 1.0)


def test_fractions_are_told_from_clicks() -> None:
    """By a single label; those above the mean are the upper ones, and of clicks the clicks."""
    assert not are_fractions(np.array([0.0, 1.0]))
    assert are_fractions(np.array([0.0, 0.3, 1.0]))
    assert above_middle(np.array([0.0, 0.1, 0.2])).tolist() == [False, False, True]
    assert above_middle(np.array([0.0, 1.0, 1.0, 1.0])).tolist() == [False, True, True, True]


def test_errors_are_in_units_of_the_label() -> None:
    """RMSE and MAE times the width of the range; R2 is without unit, and there are none of clicks."""
    labels, logits = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.0, 0.0])
    found = click_metrics(logits, labels, label_range=(1.0, 5.0))
    assert found.rmse == pytest.approx(4.0 * np.sqrt(0.5 / 3.0))
    assert found.mae == pytest.approx(4.0 / 3.0)
    assert found.r2 == pytest.approx(0.0)
    assert "rmse" not in click_metrics(logits, labels > 0.5).model_dump()
    assert click_metrics(logits[:0], labels[:0], label_range=(1.0, 5.0)).rmse is None
