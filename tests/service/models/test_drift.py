"""Metrics of routing, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.bundle.reference import NUM_BINS, Margins, Reference
from ihas.rates import stability
from ihas.serving.capabilities import Observed
from ihas_service.models.drift import REMEMBERED, RoutingMetrics

REFERENCE = Reference(np.array([0.5, 0.5]), np.array([0.5, 0.8, 0.5, 0.5]), 1.0)


def _figures(rows: list[float], far: list[float], gates: list[float]) -> RoutingMetrics:
    nothing = RoutingMetrics(REFERENCE, ("user", "item"), Observed(np.zeros(2), np.zeros(2), np.zeros(4)))
    return nothing.plus(Observed(np.array(rows), np.array(far), np.array(gates)))


def test_drifts_are_those_of_a_calculator() -> None:
    """Groups .8 and .2 against halves: .3 ln 4 = .4159. Of user's two gates one is open in .8 of the rows instead of a half, the other as
    often as in training: half of that; of item's gates none has moved."""
    found = _figures([8.0, 2.0], [1.0, 0.0], [8.0, 8.0, 5.0, 5.0])
    assert found.group_drift == pytest.approx(0.3 * math.log(4.0))
    assert found.gate_drifts == {"user": pytest.approx(0.15 * math.log(4.0)), "item": pytest.approx(0.0)}
    assert found.gate_drift == pytest.approx(0.075 * math.log(4.0))
    assert (found.rows, found.far_share) == (10, 0.1)


def test_margins_drift_where_sums_say_the_group() -> None:
    """User's part lay in two bins, half of the rows in each, and .8 of the rows lie in the first: .3 ln 4; the margin has not moved. No
    gates are computed, and so none drift."""
    shares = np.zeros((2, NUM_BINS))
    shares[:, :2] = 0.5
    reference = Reference(np.array([0.5, 0.5]), np.zeros(0), 1.0, Margins(np.zeros((2, NUM_BINS - 1), np.int32), shares))
    nothing = RoutingMetrics(reference, ("user",), Observed(np.zeros(2), np.zeros(2), np.zeros(0), np.zeros((2, NUM_BINS))))
    seen = np.zeros((2, NUM_BINS))
    seen[:, :2] = [[8.0, 2.0], [5.0, 5.0]]
    found = nothing.plus(Observed(np.array([5.0, 5.0]), np.array([2.0, 0.0]), np.zeros(0), seen))

    assert found.margin_drifts == {"user": pytest.approx(0.3 * math.log(4.0))}
    assert found.margin_drift == pytest.approx(0.0)
    assert (found.gate_drift, found.gate_drifts, found.far_share) == (None, {}, 0.2)
    assert (_figures([1.0], [0.0], [0.0] * 4).margin_drift, _figures([1.0], [0.0], [0.0] * 4).margin_drifts) == (None, {})


def test_old_rows_are_forgotten() -> None:
    """Beyond the rows that are remembered every count is halved, and shares stay."""
    found = _figures([REMEMBERED, REMEMBERED], [20.0, 0.0], [0.0] * 4)
    assert found.rows == REMEMBERED
    assert found.far_share == pytest.approx(10.0 / REMEMBERED)
    assert found.group_drift == pytest.approx(0.0)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5), st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5))
def test_stability_is_a_distance_that_is_never_negative(first: list[float], second: list[float]) -> None:
    """It is symmetric, and zero for the same shares."""
    p, q = [one / sum(first) for one in first], [one / sum(second[: len(first)]) for one in second[: len(first)]]
    assert stability(p, q) == pytest.approx(stability(q, p))
    assert stability(p, q) >= 0.0
    assert stability(p, p) == 0.0
