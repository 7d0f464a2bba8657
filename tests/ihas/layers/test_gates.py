"""Bernoulli gates: learnt in TensorFlow, read in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.search import SearchConfig
from ihas.gates.registry import GATE_FORMS
from ihas.layers.embedding import Tensor, look_up
from ihas.layers.gates import INITIAL_BIAS, MOMENTUM, BernoulliGates
from ihas.layers.noise import logistic_noise
from ihas.legacy_keras import tf

pytestmark = pytest.mark.tf

NUM_FIELDS, DIM = 3, 4
WIDTH = NUM_FIELDS * DIM
SEED = tf.constant([3, 5])


def _gates(seed: int = 0, **settings: Any) -> BernoulliGates:
    """Gates with random kernels, biases and statistics, so that no parameter is without effect."""
    rng = np.random.default_rng(seed)
    gates = BernoulliGates(NUM_FIELDS, DIM, SearchConfig(**settings), rng)
    for variable in (*gates.kernels, *gates.biases):
        variable.assign(rng.normal(size=variable.shape).astype(np.float32))
    gates.start_statistics(2.0 + 3.0 * rng.normal(size=(50, WIDTH)).astype(np.float32))
    return gates


def _embedded(rows: int = 20) -> np.ndarray:
    return np.random.default_rng(9).normal(size=(rows, WIDTH)).astype(np.float32)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("form", list(GATE_FORMS))
def test_frozen_gates_are_the_trained_gates(form: str, standardize: bool) -> None:
    """The value that routing reads has the logits that TensorFlow has, in every form."""
    gates, embedded = _gates(gate=form, gate_hidden=5, standardize=standardize), _embedded()
    logits = gates.logits(tf.constant(embedded), training=False).numpy()
    np.testing.assert_allclose(gates.freeze().logits(embedded), logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(gates.freeze().open(embedded), logits > 0.0)


@pytest.mark.parametrize("form", list(GATE_FORMS))
def test_gates_start_open(form: str) -> None:
    """Fresh gates are near sigmoid(2) = 0.88 for every instance, whatever their form."""
    gates = BernoulliGates(NUM_FIELDS, DIM, SearchConfig(gate=form), np.random.default_rng(0))
    logits = gates.logits(tf.constant(_embedded()), training=False).numpy()
    assert logits.mean() == pytest.approx(INITIAL_BIAS, abs=0.1)
    assert (logits > 0.0).all()


def test_field_gates_see_their_own_field_only() -> None:
    """Another value of the first field moves the gates of the first field and no others."""
    gates, embedded = _gates(gate="field"), _embedded()
    changed = embedded.copy()
    changed[:, :DIM] += 1.0
    moved = np.abs(gates.freeze().logits(changed) - gates.freeze().logits(embedded)).max(axis=0) > 1e-6
    assert moved.tolist() == [True] * DIM + [False] * (WIDTH - DIM)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_gates_open_as_often_as_their_probability_says(temperature: float) -> None:
    """Of 20,000 draws the open share is sigmoid(a) within five standard errors, at every temperature."""
    logits = np.array([-3.0, -1.0, 0.0, 0.5, 2.0], np.float32)
    drawn = _gates(temperature=temperature).sample(tf.constant(np.tile(logits, (20_000, 1))), SEED).numpy()
    pi = 1.0 / (1.0 + np.exp(-logits))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert (np.abs(drawn.mean(axis=0) - pi) < 5.0 * np.sqrt(pi * (1.0 - pi) / 20_000)).all()


def test_sampling_is_a_function_of_the_seed() -> None:
    """The same seed draws the same gates, another seed draws others."""
    gates, logits = _gates(), tf.zeros([50, WIDTH])
    first, again, other = (gates.sample(logits, seed).numpy() for seed in (SEED, SEED, tf.constant([3, 6])))
    np.testing.assert_array_equal(first, again)
    assert 0.3 < (first != other).mean() < 0.7


def test_gradient_is_that_of_the_soft_gate() -> None:
    """The hard gate passes the gradient s (1 - s) / tau of the soft gate s that it was cut from."""
    temperature, logits = 0.7, tf.constant(_embedded(50))
    gates = _gates(temperature=temperature)
    soft = 1.0 / (1.0 + np.exp(-(logits + logistic_noise(logits, SEED)).numpy() / temperature))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        hard = gates.sample(logits, SEED)
    np.testing.assert_allclose(hard, soft > 0.5, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(hard, logits), soft * (1.0 - soft) / temperature, rtol=1e-3, atol=1e-6)


def _table_gradient(gates: BernoulliGates, table: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Gradient of the sum of the gate logits with respect to the table's rows and to the gates' own parameters."""
    found, own = look_up(table, tf.constant([[0, 1, 2], [2, 3, 4]])), [*gates.kernels, *gates.biases]
    with tf.GradientTape() as tape:
        tape.watch(found.values)
        embedded = tf.reshape(found.values, [-1, WIDTH])
        total = tf.reduce_sum(tf.square(gates.logits(embedded, training=True)))
    table_gradient, *gradients = tape.gradient(total, [found.values, *own])
    return table_gradient, gradients


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("form", list(GATE_FORMS))
def test_detached_gates_leave_the_table_alone(form: str, standardize: bool) -> None:
    """With `detach` no gradient reaches the table through the gates; without it some does; the gates learn either way."""
    table = tf.constant(np.random.default_rng(1).normal(size=(5, DIM)).astype(np.float32))
    for detach in (True, False):
        gradient, own = _table_gradient(_gates(gate=form, standardize=standardize, detach=detach), table)
        assert (gradient is None) == detach
        assert all(np.abs(part).max() > 0.0 for part in own)


def test_starts_from_the_statistics_of_rows() -> None:
    """After `start_statistics` those rows are standardised: mean 0 and deviation 1; a constant element stays finite."""
    gates = BernoulliGates(NUM_FIELDS, DIM, SearchConfig(), np.random.default_rng(0))
    embedded = 5.0 + 0.01 * _embedded(1000)
    embedded[:, 0] = 7.0
    gates.start_statistics(embedded)
    frozen = gates.freeze()
    values = (embedded - frozen.mean) / frozen.scale
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-2)
    np.testing.assert_allclose(values[:, 1:].std(axis=0), 1.0, rtol=1e-2)
    assert np.isfinite(frozen.logits(embedded)).all()


def test_statistics_run_in_training_only() -> None:
    """A training batch moves mean and variance by 1 - momentum of the way; reading moves nothing."""
    gates, embedded = _gates(), _embedded(200)
    mean, variance = gates.mean.numpy(), gates.variance.numpy()
    gates.logits(tf.constant(embedded), training=False)
    np.testing.assert_array_equal(gates.mean.numpy(), mean)
    gates.logits(tf.constant(embedded), training=True)
    np.testing.assert_allclose(gates.mean.numpy(), MOMENTUM * mean + (1 - MOMENTUM) * embedded.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gates.variance.numpy(), MOMENTUM * variance + (1 - MOMENTUM) * embedded.var(axis=0), rtol=1e-4)


def test_raw_gates_have_no_statistics() -> None:
    """Without standardisation gates see the embedding as it is, whatever rows came before."""
    gates = _gates(standardize=False)
    gates.logits(tf.constant(_embedded()), training=True)
    frozen = gates.freeze()
    assert not frozen.mean.any()
    assert (frozen.scale == 1.0).all()
