"""Self-attention between the fields of a row."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.layers.attention import FieldAttention
from ihas.layers.hidden import glorot
from ihas.legacy_keras import tf

pytestmark = pytest.mark.tf


def test_attention_heads_split_a_projection() -> None:
    """With zero queries each head is the mean of its own half of the values; a negative sum ends at zero."""
    layer = FieldAttention(2, 2, 2, np.random.default_rng(0))
    for name, kernel in {"query": np.zeros((2, 2)), "key": np.eye(2), "value": np.diag([2.0, -4.0])}.items():
        layer.kernels[name].assign(kernel)
    found = layer(tf.constant([[[1.0, 1.0], [3.0, 5.0]]]))
    np.testing.assert_allclose(found, [[[4 + 1, 0], [4 + 3, 0]]])


def test_fields_are_a_set() -> None:
    """Fields in another order leave in that order and otherwise unchanged: no position is special."""
    layer = FieldAttention(4, 6, 3, np.random.default_rng(0))
    fields, order = np.random.default_rng(1).normal(size=(5, 3, 4)).astype(np.float32), [2, 0, 1]
    np.testing.assert_allclose(layer(tf.constant(fields[:, order])), layer(tf.constant(fields)).numpy()[:, order], rtol=1e-4, atol=1e-6)


def test_glorot_bound() -> None:
    """Numbers fill the interval up to sqrt(6 / (inputs + outputs)) = .1 and have its variance, limit^2 / 3."""
    drawn = glorot(np.random.default_rng(0), (400, 200))
    assert np.abs(drawn).max() == pytest.approx(0.1, rel=1e-3)
    assert drawn.var() == pytest.approx(0.01 / 3, rel=0.02)
