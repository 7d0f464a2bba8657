"""Online figures, worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.rates import stability, wilson
from ihas_service.http.schemas.events import online
from ihas_service.models.response_log import ShadowMetrics
from ihas_service.storage.feedback import GroupCounts


def test_click_through_and_calibration_are_those_of_a_calculator() -> None:
    """Of 10 items with scores that add up to 3, 2 were clicked: 20 percent, and the scores are half as high again as they should be."""
    found = online("films", 60.0, [GroupCounts(1, 0, 10, 2, 3.0), GroupCounts(1, 1, 30, 0, 1.0)], None, {}).groups

    assert (found[0].click_through, found[0].calibration, found[0].share) == (0.2, 1.5, 0.25)
    assert (found[1].click_through, found[1].calibration, found[1].low) == (0.0, None, 0.0)


def test_the_interval_is_wilsons() -> None:
    """10 of 100: .0552 to .1744 (Wilson's formula, worked by hand)."""
    assert wilson(10, 100) == pytest.approx((0.05523, 0.17437), abs=1e-5)


@given(impressions=st.integers(1, 10**6), share=st.floats(0, 1))
def test_the_interval_holds_the_rate(impressions: int, share: float) -> None:
    """Within 0 and 1, whatever was counted."""
    clicks = int(share * impressions)
    low, high = wilson(clicks, impressions)

    assert 0.0 <= low <= clicks / impressions + 1e-12
    assert clicks / impressions - 1e-12 <= high <= 1.0


def test_stability_is_zero_for_equal_shares_and_grows() -> None:
    """(.5, .5) against (.8, .2): -.3 ln .625 + .3 ln 2.5 = .4159."""
    assert stability([0.5, 0.5], [0.5, 0.5]) == 0.0
    assert stability([0.5, 0.5], [0.8, 0.2]) == pytest.approx(0.3 * math.log(4.0))


def test_a_shadow_is_described_by_its_means() -> None:
    """Four rows that differ by .2 altogether in two requests of 3 ms each; one that never answered has no means."""
    shadows = {4: ShadowMetrics(2, 1, 4, 0.2, 0.006), 5: ShadowMetrics()}
    found = online("films", 60.0, [], None, shadows).shadows

    assert (found[0].mean_difference, found[0].mean_ms, found[0].failures) == (pytest.approx(0.05), pytest.approx(3.0), 1)
    assert (found[1].mean_difference, found[1].mean_ms) == (None, None)
