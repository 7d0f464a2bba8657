"""What the search asks of gate probabilities."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest

from ihas.config.search import SearchConfig
from ihas.layers.gate_penalties import KEEP_WEIGHT, binary_entropy, gate_penalty
from ihas.legacy_keras import tf

pytestmark = pytest.mark.tf


def _penalty(pi: np.ndarray, regularizer: str, keep_ratio: float, strength: float = 1.0) -> float:
    """The penalty of probabilities (batch, N); 0 and 1 are as near as float32 gets."""
    pi = np.clip(pi, 1e-7, 1.0 - 1e-7)
    logits = tf.constant(np.log(pi / (1.0 - pi)), tf.float32)
    return float(gate_penalty(logits, SearchConfig(regularizer=regularizer, keep_ratio=keep_ratio, strength=strength)))  # type: ignore[arg-type]


def test_binary_entropy_by_hand() -> None:
    """H(1/2) = ln 2, H(1/4) = ln 4 - 3/4 ln 3, and decided gates have none."""
    found = binary_entropy(tf.constant([0.5, 0.25, 0.75, 0.0, 1.0])).numpy()
    quarter = np.log(4) - 0.75 * np.log(3)
    np.testing.assert_allclose(found, [np.log(2), quarter, quarter, 0.0, 0.0], atol=1e-5)


@pytest.mark.parametrize("value", [0.1, 0.5, 0.7])
def test_equal_instances_carry_no_information(value: float) -> None:
    """A constant pi has information 0, so the penalty is the squared distance from the wanted share alone."""
    expected = KEEP_WEIGHT * (value - 0.7) ** 2
    assert _penalty(np.full((8, 3), value), "information", 0.7) == pytest.approx(expected, abs=1e-5)


def test_two_opposite_decided_halves_carry_ln_2() -> None:
    """When half of the instances open exactly what the others close, each gate tells the halves apart: ln 2."""
    one = np.array([1.0, 0.0, 1.0, 0.0])
    assert _penalty(np.stack([one, 1 - one] * 3), "information", 0.5) == pytest.approx(-np.log(2), abs=1e-4)


def test_information_by_hand() -> None:
    """pi = (1/4, 3/4) for the two instances of one gate has H(1/2) - H(1/4) = 0.1308 nats."""
    information = np.log(2) - (np.log(4) - 0.75 * np.log(3))
    found = _penalty(np.array([[0.25], [0.75]]), "information", 0.7)
    assert found == pytest.approx(KEEP_WEIGHT * 0.2**2 - information, abs=1e-5)


def test_polarization_by_hand() -> None:
    """rho = 0.7 makes t = -0.8; pi = (1, 1/2, 0) has mean 1/2 and spread 1/3; each instance has its own mean."""
    assert _penalty(np.array([[1.0, 0.5, 0.0]]), "polarization", 0.7) == pytest.approx(-0.8 * 0.5 - 1 / 3, abs=1e-5)
    assert _penalty(np.array([[1.0, 1.0], [0.0, 0.0]]), "polarization", 0.7) == pytest.approx(-0.4, abs=1e-5)


@pytest.mark.parametrize("keep_ratio", [0.25, 0.5, 0.75])
def test_polarization_keeps_the_wanted_share(keep_ratio: float) -> None:
    """Of all pi of 8 gates on a grid of quarters, the least penalty has decided gates, the share (2 - t) / 4 of them open."""
    grid = [np.array([pi]) for pi in combinations_with_replacement((0.0, 0.25, 0.5, 0.75, 1.0), 8)]
    best = min(grid, key=lambda pi: _penalty(pi, "polarization", keep_ratio))[0]
    t = 2.0 - 4.0 * keep_ratio
    assert set(best) <= {0.0, 1.0}
    assert best.mean() == (2.0 - t) / 4.0 == keep_ratio


@pytest.mark.parametrize("regularizer", ["information", "polarization"])
def test_strength_is_a_factor(regularizer: str) -> None:
    """Twice the strength is twice the penalty, and none is none."""
    pi = np.random.default_rng(0).random((6, 4))
    full = _penalty(pi, regularizer, 0.7)
    assert _penalty(pi, regularizer, 0.7, strength=2.0) == pytest.approx(2.0 * full, rel=1e-5)
    assert _penalty(pi, regularizer, 0.7, strength=0.0) == 0.0


@pytest.mark.parametrize("regularizer", ["information", "polarization"])
def test_decided_gates_have_a_finite_gradient(regularizer: str) -> None:
    """Gates decided beyond float32's reach of sigmoid still have a gradient that is a number."""
    logits = tf.constant([[50.0, -50.0], [-50.0, 50.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        penalty = gate_penalty(logits, SearchConfig(regularizer=regularizer))  # type: ignore[arg-type]
    assert np.isfinite(tape.gradient(penalty, logits)).all()
