"""Scaling laws recovered from losses that follow them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.errors import ConfigError
from ihas.sequential.scaling.scaling_law import JointScalingLaw, ScalingLaw, bootstrap, fit_joint_scaling_law, fit_scaling_law

SIZES = np.array([98_304.0, 786_432.0, 1_572_864.0, 9_437_184.0])
TRUE = ScalingLaw(3.9, 6.8e6, 0.121)


@settings(max_examples=10)
@given(st.floats(0.05, 1.5), st.floats(3.0, 7.0), st.floats(1.0, 6.0))
def test_recovers_a_law_without_noise(exponent: float, log_scale: float, limit: float) -> None:
    """Losses of a known law give back E and alpha to 1e-6, and N0 to a millionth of itself."""
    law = ScalingLaw(limit, 10.0**log_scale, exponent)
    found = fit_scaling_law(SIZES, law.predict(SIZES))
    assert (found.limit, found.exponent) == pytest.approx((limit, exponent), abs=1e-6)
    assert np.log(found.scale) == pytest.approx(np.log(law.scale), abs=1e-5)


def test_foretells_the_papers_sizes_through_noise() -> None:
    """With noise of .002 on four sizes, nine of ten fits predict 75.5M within .012 and 829M within .022."""
    errors = []
    for draw in range(40):
        losses = TRUE.predict(SIZES) + np.random.default_rng(draw).normal(0.0, 0.002, 4)
        errors.append(np.abs(fit_scaling_law(SIZES, losses).predict(np.array([75.5e6, 829e6])) - TRUE.predict(np.array([75.5e6, 829e6]))))
    assert (np.quantile(errors, 0.9, axis=0) < [0.012, 0.022]).all()


def test_recovers_a_joint_law() -> None:
    """Four sizes by three amounts of data give back all five numbers."""
    true = JointScalingLaw(3.0, 2e4, 0.35, 5e4, 0.5)
    sizes, data = (values.ravel() for values in np.meshgrid(SIZES, [2e4, 5e4, 1.5e5]))
    found = fit_joint_scaling_law(sizes, data, true.predict(sizes, data))
    assert (found.limit, found.size_exponent, found.data_exponent) == pytest.approx((3.0, 0.35, 0.5), abs=1e-6)
    assert (found.size_scale, found.data_scale) == pytest.approx((2e4, 5e4), rel=1e-5)


def test_intervals_hold_the_truth() -> None:
    """Over five seeds with noise of .01, the interval of the next size's loss holds the true one in most of twenty draws."""
    held = 0
    for draw in range(20):
        rng = np.random.default_rng(draw)
        losses = TRUE.predict(SIZES) + rng.normal(0.0, 0.01, (5, 4))
        found = bootstrap(SIZES, losses, np.array([2e7]), rng)
        held += found.predicted[0].low <= float(TRUE.predict(2e7)) <= found.predicted[0].high
    assert held >= 14


def test_refuses_what_is_no_law() -> None:
    """Two sizes, one amount of data, and a loss that rises are refused."""
    with pytest.raises(ConfigError, match="3 points or more"):
        fit_scaling_law(SIZES[:2], np.array([5.0, 4.0]))
    with pytest.raises(ConfigError, match="D must take three different"):
        fit_joint_scaling_law(np.tile(SIZES, 2), np.full(8, 1e5), np.tile(TRUE.predict(SIZES), 2))
    with pytest.raises(ConfigError, match="must fall with N"):
        fit_scaling_law(SIZES, np.array([4.0, 4.5, 4.6, 4.9]))
    with pytest.raises(ConfigError, match="two seeds or more"):
        bootstrap(SIZES, TRUE.predict(SIZES)[None], np.array([2e7]), np.random.default_rng(0))


@pytest.mark.parametrize(("shape", "told"), [(np.log, "E cannot be told"), (lambda sizes: -(sizes**-6.0), "scale cannot be told")])
def test_an_exponent_at_an_end_of_its_range_is_told(shape: Callable[[np.ndarray], np.ndarray], told: str) -> None:
    """A straight line over the logarithm of sizes, and a fall steeper than any power searched, are cautioned; a power within is not."""
    unit = SIZES / SIZES[0]
    assert told in fit_scaling_law(SIZES, 9.0 - 0.1 * shape(unit)).caution
    assert fit_scaling_law(SIZES, TRUE.predict(SIZES)).caution == ""
    assert "no cross-entropy can be" in fit_scaling_law(SIZES, TRUE.predict(SIZES) - 4.0).caution
