"""The sequential test may be looked at after every batch: its errors stay within what it states, and it finds what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ihas_service.models.experiments import sequential
from ihas_service.models.experiments.sequential import ArmSums, answers_needed, difference, half_width, p_value, power

EXPERIMENTS, BATCHES, BATCH = 1_000, 100, 100
ALPHA, SCALE = 0.05, 0.01


def clicks(generator: np.random.Generator, rate: float, experiments: int = EXPERIMENTS) -> np.ndarray:
    """Sums after every batch of answers: clicks and their squares, float64 (2, experiments, BATCHES).

    Clicks within an answer depend on each other: half the people never click, the others click on each of three items at twice the rate.
    """
    active = generator.random((experiments, BATCHES, BATCH)) < 0.5
    found = generator.binomial(3, np.where(active, 2.0 * rate / 3.0, 0.0)).astype(np.float32)
    return np.stack([found.sum(-1), (found**2).sum(-1)]).cumsum(-1).astype(np.float64)


def always_valid(arm: np.ndarray, champion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends at every look of every experiment, float64 (experiments, BATCHES) each: the module's interval, on arrays."""
    answers = BATCH * np.arange(1, BATCHES + 1)

    def variance(sums: np.ndarray, answers: np.ndarray) -> np.ndarray:
        return np.asarray((sums[1] - sums[0] ** 2 / answers) / (answers - 1))

    together = (arm[0] + champion[0]) / (2 * answers)
    own = (variance(arm, answers) + variance(champion, answers)) / answers
    spread = np.maximum(own, variance(arm + champion, 2 * answers) * 2 / answers)
    mixed = spread + SCALE**2
    half = np.sqrt(spread * mixed / SCALE**2 * (2 * math.log(1 / ALPHA) + np.log(mixed / spread)))
    half = np.where(together * answers < sequential.MIN_CLICKS, np.inf, half)
    found = (arm[0] - champion[0]) / answers
    return found - half, found + half


def test_the_simulated_intervals_are_the_modules() -> None:
    """On arrays as on numbers: fifty looks of one experiment."""
    generator = np.random.default_rng(9)
    arm, champion = clicks(generator, 0.02, 1), clicks(generator, 0.03, 1)
    low, high = always_valid(arm, champion)
    for look in range(0, BATCHES, 2):
        sums = [ArmSums((look + 1) * BATCH, *map(float, one[:, 0, look])) for one in (arm, champion)]
        found = difference(sums[0], sums[1], ALPHA, SCALE)
        assert (found.low, found.high) == pytest.approx((low[0, look], high[0, look]))


def test_the_interval_is_as_worked_by_hand() -> None:
    """V = t^2 = 1e-4: sqrt(2e-4 (2 ln 20 + ln 2)) = sqrt(2e-4 * 6.684612) = .0365639; at that distance from 0, p is alpha."""
    assert half_width(1e-4, 0.05, 0.01) == pytest.approx(0.0365639, abs=1e-6)
    assert p_value(half_width(1e-4, 0.05, 0.01), 1e-4, 0.01) == pytest.approx(0.05)
    assert p_value(0.0, 1e-4, 0.01) == 1.0


def test_sums_are_means_and_variances_of_answers() -> None:
    """Four answers with 0, 1, 1 and 4 clicks: mean 1.5, variance (2.25 + .25 + .25 + 6.25) / 3 = 3."""
    sums = ArmSums(4, 6.0, 18.0)

    assert (sums.mean, sums.variance) == (1.5, pytest.approx(3.0))
    assert sums.plus(ArmSums(1, 1.0, 1.0)) == ArmSums(5, 7.0, 19.0)
    assert (ArmSums().mean, ArmSums(1, 3.0, 9.0).variance) == (0.0, 0.0)


def test_too_few_clicks_say_nothing() -> None:
    """And a version that nobody clicks on is found worse once as many clicks are expected of it, not known exactly."""
    none = difference(ArmSums(3, 0.0, 0.0), ArmSums(500, 50.0, 50.0), 0.05, 0.01)
    dead = difference(ArmSums(4_000, 0.0, 0.0), ArmSums(4_000, 400.0, 400.0), 0.05, 0.05)

    assert (none.low, none.high, none.p_value) == (-math.inf, math.inf, 1.0)
    assert -0.2 < dead.low < dead.high < 0.0
    assert difference(ArmSums(), ArmSums(), 0.05, 0.01).p_value == 1.0


def test_two_equal_versions_are_found_different_no_more_often_than_stated() -> None:
    """1,000 experiments of two equal versions, looked at after each of 100 batches: the interval misses 0 at any look in at most 5 % of
    them, and the better side, which is what a promotion goes by, in at most half of that; within two standard deviations."""
    generator = np.random.default_rng(0)
    low, high = always_valid(clicks(generator, 0.1), clicks(generator, 0.1))
    missed = float(((low > 0.0) | (high < 0.0)).any(1).mean())
    promoted = float((low > 0.0).any(1).mean())

    assert missed <= ALPHA + 2.0 * math.sqrt(ALPHA * (1 - ALPHA) / EXPERIMENTS)
    assert promoted <= ALPHA / 2 + 2.0 * math.sqrt(ALPHA / 2 * (1 - ALPHA / 2) / EXPERIMENTS)


def test_the_interval_holds_the_true_difference_at_every_look() -> None:
    """Also where there is one: 300 experiments with .12 against .10 clicks an answer."""
    generator = np.random.default_rng(1)
    low, high = always_valid(clicks(generator, 0.12, 300), clicks(generator, 0.10, 300))
    missed = float(((low > 0.02) | (high < 0.02)).any(1).mean())

    assert missed <= ALPHA + 2.0 * math.sqrt(ALPHA * (1 - ALPHA) / 300)


def test_a_better_version_is_found_as_often_as_computed() -> None:
    """The computed power is that of the last look alone, so that what is found is at least that, and by looks before it little more."""
    generator = np.random.default_rng(2)
    arm, champion = clicks(generator, 0.12, 300), clicks(generator, 0.10, 300)
    low, _ = always_valid(arm, champion)
    answers = BATCHES * BATCH
    pooled = ArmSums(2 * 300 * answers, *(float(arm[i, :, -1].sum() + champion[i, :, -1].sum()) for i in (0, 1)))
    stated = power(0.02, pooled.variance, (answers, answers), ALPHA, SCALE)
    found = float((low > 0.0).any(1).mean())
    at_the_end = float((low[:, -1] > 0.0).mean())
    deviation = math.sqrt(stated * (1 - stated) / 300)

    assert 0.3 < stated < 0.999
    assert at_the_end == pytest.approx(stated, abs=3.0 * deviation)
    assert found >= at_the_end


def test_the_answers_that_are_needed_have_the_power_that_is_wanted() -> None:
    """One answer fewer has less."""
    needed = answers_needed(0.01, 0.1, 0.05, 0.01)

    assert power(0.01, 0.1, (needed, needed), 0.05, 0.01) >= 0.8 > power(0.01, 0.1, (needed - 1, needed - 1), 0.05, 0.01)


def test_several_arms_share_the_errors() -> None:
    """Four arms have a quarter each; none is none."""
    assert sequential.share_of_alpha(0.05, [1, 2, 3, 4]) == pytest.approx(0.0125)
    assert sequential.share_of_alpha(0.05, []) == 0.05


def test_a_mean_is_known_to_lie_on_one_side_of_zero() -> None:
    """600 wins, 400 losses and ties; of few answers nothing is known."""
    found = sequential.mean_interval(ArmSums(5_000, 400.0, 1_000.0), 0.05, 0.1)
    few = sequential.mean_interval(ArmSums(10, 4.0, 4.0), 0.05, 0.1)

    assert (found.difference, found.low > 0.0, found.p_value < 1e-6) == (0.08, True, True)
    assert (few.low, few.high) == (-math.inf, math.inf)
