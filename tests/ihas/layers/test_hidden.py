"""Hidden layers: relu of a linear map, with batch normalisation and dropout only in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.layers.hidden import HiddenLayers
from ihas.legacy_keras import tf

pytestmark = pytest.mark.tf

SEED = tf.constant([1, 2])
ROWS = tf.constant(np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32))


def _layers(hidden: tuple[int, ...], **settings: Any) -> HiddenLayers:
    return HiddenLayers(3, BackboneConfig(**{"hidden": hidden, "batch_norm": False} | settings), 7)


def test_two_layers_by_hand() -> None:
    """relu((1, -2, 0) W + b) = (2, 0) in the first layer, and (2, 0) becomes relu(4 - 1) = 3 in the second."""
    layers = _layers((2, 1))
    values = ([[1, 1], [0, 1], [5, 5]], [1, 0], [[2], [9]], [-1])
    for variable, value in zip(layers.named_variables().values(), values, strict=True):
        variable.assign(value)
    np.testing.assert_allclose(layers(tf.constant([[1.0, -2.0, 0.0]]), None), [[3.0]])
    assert list(layers.named_variables()) == ["hidden_0/kernel", "hidden_0/bias", "hidden_1/kernel", "hidden_1/bias"]


def test_no_hidden_layer_is_the_identity() -> None:
    """Without hidden layers the input leaves as it came, and costs nothing."""
    layers = _layers((), batch_norm=True, dropout=0.5)
    np.testing.assert_array_equal(layers(ROWS, SEED), ROWS)
    assert (layers.widths, layers.multiply_adds(), layers.named_variables()) == ((3,), 0, {})


def test_multiply_adds_by_hand() -> None:
    """3 inputs, 5 units, 2 units: 15 + 10 multiply-adds."""
    assert _layers((5, 2)).multiply_adds() == 25


def test_dropout_only_in_training() -> None:
    """In training the given share of outputs is zero and the rest grows to keep the mean; elsewhere nothing is dropped."""
    layers, plain = _layers((50,), dropout=0.4), _layers((50,))
    whole, dropped = layers(ROWS, None).numpy(), layers(ROWS, SEED).numpy()
    np.testing.assert_array_equal(whole, plain(ROWS, None))
    kept = dropped[whole > 0.0] != 0.0
    assert abs(kept.mean() - 0.6) < 5 * np.sqrt(0.24 / kept.size)
    np.testing.assert_allclose(dropped[whole > 0.0][kept], whole[whole > 0.0][kept] / 0.6, rtol=1e-5)


def test_dropout_is_a_function_of_the_seed() -> None:
    """The same seed drops the same outputs, another seed drops others; layers do not drop alike."""
    layers = _layers((6,), dropout=0.5)
    np.testing.assert_array_equal(layers(ROWS, SEED), layers(ROWS, SEED))
    assert (layers(ROWS, SEED).numpy() != layers(ROWS, SEED + 1).numpy()).any()


@pytest.mark.parametrize("epsilon", [1e-3, 0.5])
def test_batch_norm_normalises_the_batch_in_training(epsilon: float) -> None:
    """In training each unit is normalised over the batch before its activation, and the running statistics move a tenth of the way."""
    layers = _layers((4,), batch_norm=True, batch_norm_epsilon=epsilon)
    linear = _layers((4,)).dense[0](ROWS).numpy()
    mean, variance = linear.mean(axis=0), linear.var(axis=0)
    found = layers(ROWS, SEED).numpy()
    np.testing.assert_allclose(found, np.maximum((linear - mean) / np.sqrt(variance + epsilon), 0.0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(layers.norms[0].moving_mean, 0.1 * mean, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(layers.norms[0].moving_variance, 0.9 + 0.1 * variance, rtol=1e-3)


def test_batch_norm_reads_running_statistics_elsewhere() -> None:
    """Outside training a row gets what it would get alone, and nothing moves."""
    layers = _layers((4,), batch_norm=True)
    layers.norms[0].moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    alone, together = layers(ROWS[:1], None).numpy(), layers(ROWS, None).numpy()[:1]
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layers.norms[0].moving_mean, [1.0, 2.0, 3.0, 4.0])


def test_seed_decides_the_initial_weights() -> None:
    """The same seed gives the same kernels, layers of one network have different ones."""
    first, again = (list(_layers((3, 3)).named_variables().values()) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (first[0].numpy() != first[2].numpy()).any()
