"""Metrics of scores against labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from ihas.metrics import (
    auc,
    auc_components,
    auc_difference,
    calibration_error,
    click_metrics,
    group_auc,
    group_ndcg,
    reliability,
    row_losses,
    sigmoid,
)

pytestmark = pytest.mark.full

LABELS = np.array([1, 1, 0, 0], np.float32)
LOGITS = np.array([3, 1, 2, 0], np.float32)
BASE_LOGITS = np.array([3, 3, 4, 0], np.float32)


def _noisy_scores(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and two scores that share most of their noise, the first with the clearer signal."""
    labels = (rng.random(rows) < 0.3).astype(np.float32)
    shared = rng.normal(size=rows)
    base = labels + shared + 0.5 * rng.normal(size=rows)
    return (1.3 * labels + shared + 0.5 * rng.normal(size=rows)).astype(np.float32), base.astype(np.float32), labels


def test_auc_by_hand() -> None:
    """Of the pairs of (2, 3) with (1, 2) three are in order and one ties: 3.5 / 4."""
    assert auc(np.array([1, 2, 2, 3], np.float32), np.array([0, 0, 1, 1], np.float32)) == 0.875


def test_auc_of_equal_scores_is_one_half() -> None:
    """Scores that say nothing order half of the pairs rightly."""
    assert auc(np.zeros(4, np.float32), LABELS) == 0.5


@pytest.mark.parametrize("labels", [[], [0.0, 0.0], [1.0, 1.0]])
def test_auc_needs_both_labels(labels: list[float]) -> None:
    """Rows of one label, or no rows, have no AUC."""
    assert auc(np.zeros(len(labels), np.float32), np.array(labels, np.float32)) is None


def test_log_loss_by_hand() -> None:
    """Scores 3/4, 3/4 and 1/2 for the labels 1, 0 and 1 lose ln 4/3, ln 4 and ln 2."""
    logits, labels = np.array([math.log(3), math.log(3), 0.0]), np.array([1, 0, 1], np.float32)
    np.testing.assert_allclose(row_losses(logits, labels), np.log([4 / 3, 4.0, 2.0]))
    assert click_metrics(logits, labels).log_loss == pytest.approx(math.log(4 / 3 * 4 * 2) / 3)


def test_log_loss_is_that_of_scikit_learn() -> None:
    """The pooled log-loss is scikit-learn's of the probabilities."""
    logits, _, labels = _noisy_scores(np.random.default_rng(0), 500)
    assert click_metrics(logits, labels).log_loss == pytest.approx(log_loss(labels, sigmoid(logits)))


def test_extreme_logits_lose_nothing() -> None:
    """A sure and wrong row loses its logit, even where the score rounds to 0 or 1; small scores keep their digits."""
    logits = np.array([-800, 800, -40], np.float32)
    np.testing.assert_allclose(row_losses(logits, np.array([1, 0, 1], np.float32)), [800, 800, 40])
    np.testing.assert_allclose(sigmoid(logits), [0.0, 1.0, math.exp(-40)], rtol=1e-12)
    assert click_metrics(logits, np.array([1, 0, 1], np.float32)).log_loss == pytest.approx(1640 / 3)


def test_figures_by_hand() -> None:
    """Scores of 1/2 on three rows with one click expect 1.5 clicks: calibration 1.5."""
    found = click_metrics(np.zeros(3, np.float32), np.array([0, 1, 0], np.float32))
    assert (found.rows, found.auc, found.calibration) == (3, 0.5, 1.5)
    assert found.log_loss == pytest.approx(math.log(2))


def test_figures_of_one_label() -> None:
    """Rows of one label have a log-loss and no AUC; without clicks there is no calibration either."""
    clicks = click_metrics(np.zeros(2, np.float32), np.ones(2, np.float32))
    others = click_metrics(np.zeros(2, np.float32), np.zeros(2, np.float32))
    assert (clicks.auc, clicks.calibration) == (None, 0.5)
    assert (others.auc, others.calibration) == (None, None)
    assert clicks.log_loss == others.log_loss == pytest.approx(math.log(2))


def test_auc_components_by_hand() -> None:
    """Clicks at 3 and 1 beat all and half of the others at 2 and 0; ties count half, so 3 against 4 and 0 counts 1/2."""
    positives, negatives = auc_components(LOGITS, LABELS)
    np.testing.assert_allclose(positives, [1.0, 0.5])
    np.testing.assert_allclose(negatives, [0.5, 1.0])
    positives, negatives = auc_components(BASE_LOGITS, LABELS)
    np.testing.assert_allclose(positives, [0.5, 0.5])
    np.testing.assert_allclose(negatives, [0.0, 1.0])
    np.testing.assert_allclose(auc_components(np.zeros(4, np.float32), LABELS), 0.5)


def test_auc_difference_by_hand() -> None:
    """Components differ by (1/2, 0) and (1/2, 0): difference 1/4, variance 1/8 / 2 + 1/8 / 2 = 1/8."""
    found = auc_difference(LOGITS, BASE_LOGITS, LABELS)
    half = 1.959964 * math.sqrt(1 / 8)
    assert found.difference == 0.25
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half), abs=1e-6)


def test_auc_difference_is_antisymmetric() -> None:
    """Exchanging the two scores turns the sign of the difference and mirrors the interval."""
    forward, backward = auc_difference(LOGITS, BASE_LOGITS, LABELS), auc_difference(BASE_LOGITS, LOGITS, LABELS)
    assert (backward.difference, backward.low, backward.high) == (-forward.difference, -forward.high, -forward.low)


def test_identical_scores_do_not_differ() -> None:
    """A score differs from itself, or from an increasing function of itself, by 0 with a zero interval."""
    logits, _, labels = _noisy_scores(np.random.default_rng(1), 200)
    for other in (logits, 2 * logits + 1):
        found = auc_difference(logits, other, labels)
        assert (found.difference, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]])
def test_too_few_rows_of_a_label_say_nothing(labels: list[int]) -> None:
    """With fewer than two rows of a label the difference could be anything."""
    found = auc_difference(LOGITS, BASE_LOGITS, np.array(labels, np.float32))
    assert (found.difference, found.low, found.high) == (0.0, -1.0, 1.0)


def test_auc_difference_agrees_with_the_bootstrap() -> None:
    """The difference is that of the AUCs, and the interval as wide as 400 paired resamplings find it, within 15 %."""
    rng = np.random.default_rng(2)
    logits, base_logits, labels = _noisy_scores(rng, 600)
    found = auc_difference(logits, base_logits, labels)
    assert found.difference == pytest.approx(roc_auc_score(labels, logits) - roc_auc_score(labels, base_logits))
    drawn = []
    for _ in range(400):
        rows = rng.integers(600, size=600)
        drawn.append(roc_auc_score(labels[rows], logits[rows]) - roc_auc_score(labels[rows], base_logits[rows]))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.std(drawn), rel=0.15)


def test_interval_covers_the_truth() -> None:
    """Of 300 drawn tables about 95 % have an interval that holds the true difference, 0, of two equally good scores."""
    rng, covered = np.random.default_rng(3), 0
    for _ in range(300):
        labels = (rng.random(120) < 0.4).astype(np.float32)
        signal = labels + rng.normal(size=120)
        found = auc_difference(signal + rng.normal(size=120), signal + rng.normal(size=120), labels)
        covered += found.low <= 0.0 <= found.high
    assert 0.92 <= covered / 300 <= 0.98


def test_wider_confidence_is_wider() -> None:
    """A 99 % interval holds the 90 % interval."""
    wide, narrow = (auc_difference(LOGITS, BASE_LOGITS, LABELS, confidence=c) for c in (0.99, 0.9))
    assert wide.low < narrow.low
    assert narrow.high < wide.high


def test_calibration_error_by_hand() -> None:
    """Two scores, ten rows each: .25 with two clicks is .05 off, .75 with nine is .15 off; the mean is .1."""
    scores = np.repeat([0.25, 0.75], 10)
    labels = np.concatenate([np.arange(10) < 2, np.arange(10) < 9]).astype(np.float32)
    bins = [(one.rows, one.score, one.click_rate) for one in reliability(scores, labels)]

    assert bins == [(10, 0.25, pytest.approx(0.2)), (10, 0.75, pytest.approx(0.9))]
    assert calibration_error(scores, labels) == pytest.approx(0.1)


def test_bins_hold_as_many_rows_each() -> None:
    """150 different scores: 15 bins of 10."""
    scores = np.random.default_rng(1).permutation(np.linspace(0.01, 0.99, 150))

    assert {one.rows for one in reliability(scores, np.zeros(150))} == {10}
    assert reliability(np.zeros(0), np.zeros(0)) == ()


@given(seed=st.integers(0, 100), rows=st.integers(1, 60), groups=st.integers(1, 8))
def test_the_auc_per_user_is_the_mean_of_their_own(seed: int, rows: int, groups: int) -> None:
    """Weighted by rows, ties counting half; users of one label, and rows of no user, do not count."""
    rng = np.random.default_rng(seed)
    logits, labels = rng.integers(0, 5, rows).astype(np.float32), rng.integers(0, 2, rows).astype(np.float32)
    users = rng.integers(-1, groups, rows)
    of_users = {user: users == user for user in range(groups)}
    own = {user: (auc(logits[mine], labels[mine]), int(mine.sum())) for user, mine in of_users.items() if mine.any()}
    counted = [(value, count) for value, count in own.values() if value is not None]
    expected = sum(value * count for value, count in counted) / sum(count for _, count in counted) if counted else None
    assert group_auc(logits, labels, users) == (None if expected is None else pytest.approx(expected))
    assert click_metrics(logits, labels, users).user_auc == group_auc(logits, labels, users)
    assert "user_auc" not in click_metrics(logits, labels).model_dump()


@given(seed=st.integers(0, 100), rows=st.integers(1, 60), groups=st.integers(1, 8), k=st.integers(1, 12))
def test_ndcg_per_user_is_the_mean_of_their_own(seed: int, rows: int, groups: int, k: int) -> None:
    """As scikit-learn computes it, ties shared; users of one label, and rows of no user, do not count."""
    rng = np.random.default_rng(seed)
    logits, labels = rng.integers(0, 5, rows).astype(np.float32), rng.integers(0, 2, rows).astype(np.float32)
    users = rng.integers(-1, groups, rows)
    mine = [(logits[users == user], labels[users == user]) for user in range(groups)]
    own = [ndcg_score([of], [by], k=k) for by, of in mine if 0 < of.sum() < len(of)]
    assert group_ndcg(logits, labels, users, k) == (pytest.approx(np.mean(own)) if own else None)
    assert click_metrics(logits, labels, users).user_ndcg == group_ndcg(logits, labels, users, 10)
    assert "user_ndcg" not in click_metrics(logits, labels).model_dump()
