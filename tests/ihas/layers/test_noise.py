"""Random numbers of training steps, read from pools."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.layers import noise
from ihas.layers.noise import dropout, logistic_noise
from ihas.legacy_keras import tf

pytestmark = pytest.mark.tf

SEED = tf.constant([3, 5])


def test_noise_is_logistic() -> None:
    """Its distribution function is the sigmoid, within five standard errors at several points."""
    drawn, points = logistic_noise(tf.zeros([500, 400]), SEED).numpy(), np.array([-3.0, -1.0, 0.0, 0.5, 2.0])
    below, expected = (drawn.reshape(-1, 1) < points).mean(axis=0), 1.0 / (1.0 + np.exp(-points))
    assert (np.abs(below - expected) < 5.0 * np.sqrt(expected * (1.0 - expected) / drawn.size)).all()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    """A share `rate` of the values is 0, the others are divided by what is kept; the gradient is the same factor."""
    values = tf.ones([1000, 300])
    with tf.GradientTape() as tape:
        tape.watch(values)
        dropped = dropout(values, rate, SEED)
    assert set(np.unique(dropped)) == {np.float32(0.0), np.float32(1.0) / np.float32(1.0 - rate)}
    assert (dropped.numpy() == 0.0).mean() == pytest.approx(rate, abs=0.005)
    np.testing.assert_array_equal(tape.gradient(dropped, values), dropped)


def test_the_seed_decides() -> None:
    """Equal seeds draw equal numbers; other seeds draw numbers without correlation to them."""
    one, again, other = (logistic_noise(tf.zeros([300, 300]), seed).numpy().ravel() for seed in (SEED, SEED, tf.constant([3, 6])))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_more_than_the_pool_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch larger than the pool reads it several times over."""
    monkeypatch.setattr(noise, "POOL", 1000)
    noise._logistic_pool.cache_clear()
    drawn = logistic_noise(tf.zeros([25, 100]), SEED).numpy().ravel()
    noise._logistic_pool.cache_clear()
    np.testing.assert_array_equal(drawn[:500], drawn[2000:])
    assert len(np.unique(drawn)) > 990
