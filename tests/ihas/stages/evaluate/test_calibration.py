"""Scores that are wrong in a known way are set right, and others are left alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.bundle.calibration import Calibration
from ihas.metrics import calibration_error, sigmoid
from ihas.stages.evaluate.calibration import FITS, calibrate, calibration_result, held_out_losses, isotonic, platt, served_calibration

pytestmark = pytest.mark.full

RNG = np.random.default_rng(7)
TRUE = RNG.normal(-1.0, 1.5, 20_000)
LABELS = (RNG.random(20_000) < sigmoid(TRUE)).astype(np.float32)


def test_logits_that_are_right_are_left_as_they_are() -> None:
    """No method beats the law that the labels were drawn from."""
    assert calibrate(TRUE, LABELS, None) == ("none", None)


def test_logits_that_are_a_line_off_are_set_right_by_a_line() -> None:
    """Twice as sure as they may be, and half a unit too high: the fitted line is the inverse, within three standard errors."""
    method, fitted = calibrate(2.0 * TRUE + 0.5, LABELS, None)

    assert method == "platt"
    assert fitted is not None
    slope = float(np.diff(fitted.log_odds)[0] / np.diff(fitted.logits)[0])
    assert slope == pytest.approx(0.5, abs=0.02)
    assert float(fitted(np.array([0.5]))[0]) == pytest.approx(0.0, abs=0.08)


def test_logits_that_are_bent_are_set_right_by_steps() -> None:
    """A cube of the log-odds is no line away."""
    bent = TRUE**3
    method, fitted = calibrate(bent[:10_000], LABELS[:10_000], None)
    result = calibration_result(method, fitted, bent[10_000:], LABELS[10_000:])

    assert method == "isotonic"
    assert result is not None
    assert result.error < 0.02 < result.error_before
    assert result.log_loss < result.log_loss_before


def test_an_order_that_is_upside_down_is_not_turned() -> None:
    """A line that falls, or one step for all rows, would change or lose the order: neither is fitted."""
    assert platt(-TRUE, LABELS) is None
    assert calibrate(-TRUE, LABELS, "platt") == ("none", None)
    assert isotonic(np.array([1.0, 2.0]), np.array([1.0, 0.0])) is None


@pytest.mark.parametrize("clicks", [0, 19])
def test_too_few_rows_of_a_label_say_nothing(clicks: int) -> None:
    """Whatever is wanted."""
    labels = (np.arange(200) < clicks).astype(np.float32)
    for wanted in (None, "platt", "isotonic"):
        assert calibrate(np.linspace(-1.0, 1.0, 200), labels, wanted) == ("none", None)


@pytest.mark.parametrize("name", sorted(FITS))
def test_no_row_is_told_by_itself(name: str) -> None:
    """A row's held-out loss is that of a fit on the four other folds alone."""
    logits, labels = 2.0 * TRUE[:500], LABELS[:500]
    clicks, others = np.flatnonzero(labels == 1.0), np.flatnonzero(labels == 0.0)
    fold = np.concatenate([clicks[::5], others[::5]])
    rest = np.setdiff1d(np.arange(500), fold)
    fitted = FITS[name](logits[rest], labels[rest])

    assert fitted is not None
    answered = sigmoid(fitted(logits[fold]))
    expected = -np.log(np.where(labels[fold] == 1.0, answered, 1.0 - answered))
    assert held_out_losses(logits, labels, FITS[name])[fold] == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(FITS)))
def test_no_order_changes(seed: int, name: str) -> None:
    """Whatever the rows: of two logits the larger never has the smaller score, and every score lies strictly between 0 and 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=60).astype(np.float32)
    fitted = FITS[name](logits, (rng.random(60) < 0.5).astype(np.float32))
    if fitted is None:
        return
    answered = sigmoid(fitted(np.sort(np.concatenate([logits, rng.normal(size=40) * 10.0]))))

    assert (np.diff(answered) >= 0.0).all()
    assert ((answered > 0.0) & (answered < 1.0)).all()


def test_rows_of_one_label_tell_nothing() -> None:
    """There is no ranking to keep then."""
    assert calibration_result("none", None, np.zeros(4), np.zeros(4)) is None


def test_the_error_is_that_of_the_scores_that_are_served() -> None:
    """Every test row is in a bin."""
    fitted = platt(2.0 * TRUE, LABELS)
    assert fitted is not None
    result = calibration_result("platt", fitted, 2.0 * TRUE, LABELS)

    assert result is not None
    assert result.error == calibration_error(sigmoid(fitted(2.0 * TRUE)), LABELS)
    assert sum(one.rows for one in result.reliability) == len(LABELS)


@pytest.mark.parametrize("kept", [0.001, 0.1, 0.5])
def test_rows_that_were_left_out_are_counted_back(kept: float) -> None:
    """By the closed form p = q / (q + (1 - q) / kept), whether something was fitted or not; with nothing left out, nothing changes."""
    q = np.array([0.001, 0.2, 0.5, 0.97])
    logits, wanted = np.log(q / (1.0 - q)), q / (q + (1.0 - q) / kept)
    line = Calibration(np.array([-9.0, 9.0]), np.array([-8.0, 10.0]))
    for fitted, moved in ((None, logits), (line, logits - 1.0)):
        corrected = served_calibration(fitted, kept)
        assert corrected is not None
        np.testing.assert_allclose(sigmoid(corrected(moved)), wanted, rtol=1e-9)
        assert list(corrected.problems()) == []
        assert served_calibration(fitted, 1.0) is fitted


def test_known_rates_are_found_from_a_tenth_of_the_rows_without_a_click() -> None:
    """Of values with rates from 1 % to 30 %, 200,000 rows each: the rates among the kept rows, corrected, are the known ones to 5 %."""
    rng, rates = np.random.default_rng(3), np.array([0.01, 0.05, 0.3])
    clicks = rng.binomial(200_000, rates)
    left = rng.binomial(200_000 - clicks, 0.1)
    corrected = served_calibration(None, 0.1)
    assert corrected is not None
    np.testing.assert_allclose(sigmoid(corrected(np.log(clicks / left))), rates, rtol=0.05)


def _fractions(seed: int, rows: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits twice as steep as they should be and off by .7, labels of five levels, and the expected label of each row."""
    rng = np.random.default_rng(seed)
    right = rng.normal(size=rows)
    expected = 1.0 / (1.0 + np.exp(-right))
    return 2.0 * right + 0.7, rng.binomial(4, expected, rows) / 4.0, expected


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_fractions_are_calibrated_to_their_mean(method: Literal["platt", "isotonic"]) -> None:
    """Both methods answer about the expected label."""
    logits, labels, expected = _fractions(0)
    name, fitted = calibrate(logits, labels, method)
    assert name == method
    assert fitted is not None
    assert np.sqrt(((sigmoid(fitted(logits)) - expected) ** 2).mean()) < 0.03


def test_a_line_of_fractions_is_that_of_rows_drawn_from_them() -> None:
    """A row with a label of three quarters counts as three clicks and one other."""
    logits, labels, _ = _fractions(1)
    clicks = (np.arange(4) < 4.0 * labels[:, None]).astype(np.float64).reshape(-1)
    found, drawn = platt(logits, labels), platt(np.repeat(logits, 4), clicks)
    assert found is not None
    assert drawn is not None
    np.testing.assert_allclose(found.log_odds, drawn.log_odds, rtol=1e-3)


def test_a_method_is_chosen_for_fractions_on_folds() -> None:
    """The line, where a line is right; nothing where nothing is wrong, or labels add up to too little."""
    logits, labels, _ = _fractions(2)
    assert calibrate(logits, labels, None)[0] == "platt"
    assert calibrate((logits - 0.7) / 2.0, labels, None) == ("none", None)
    assert calibrate(logits, labels / 1_000.0, "platt") == ("none", None)
