"""Routing margins, by hand: golden rows must not sit on a border."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.data.layout import FieldLayout
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import Gates, Router
from ihas_pipelines.runs.assemble import routing_margins, unrouted

pytestmark = pytest.mark.tf


def _router() -> Router:
    gates = Gates("full", np.zeros(2, np.float32), np.ones(2, np.float32), (np.eye(2, dtype=np.float32),), (np.zeros(2, np.float32),))
    table = np.array([[1.0, 2.0], [0.25, 3.0], [1.5, 1.5]], np.float32)
    return Router(FieldLayout(("field",), (3,), (1,)), table, gates, np.array([[0.0, 0.0], [3.0, 3.0]], np.float32))


def test_sums_come_near_no_other_route():
    """Whole numbers are added alike by every processor; beside sums, gates alone can be near."""
    sums = AdditiveRouter(_router().layout, np.zeros((3, 2), np.int16), np.zeros(2, np.int32))
    ids = np.array([[0], [1], [2]], np.int32)

    assert np.isinf(routing_margins(ids, sums)).all()
    np.testing.assert_allclose(routing_margins(ids, replace(_router(), sums=sums)), [1.0, 0.25, 1.5])


def test_the_margin_is_the_nearer_of_gate_and_group():
    """Gate logits are the embedding itself. (1, 2): distances sqrt 5 and sqrt 5, margin 0; (.25, 3): least gate .25, gap
    3.0104 - 2.75 = .2604, margin .25; (1.5, 1.5): equally far from both, margin 0."""
    margins = routing_margins(np.array([[0], [1], [2]], np.int32), _router())

    np.testing.assert_allclose(margins, [0.0, 0.25, 0.0], atol=1e-6)


def test_without_groups_nothing_can_be_routed_elsewhere():
    """The router of a variant that serves all rows alike has every gate open by one."""
    margins = routing_margins(np.array([[0], [1]], np.int32), unrouted(_router()))

    assert margins.tolist() == [1.0, 1.0]
    assert unrouted(_router()).route(np.array([[2]], np.int32)).distances[0, 0] == pytest.approx(np.sqrt(4.5))
