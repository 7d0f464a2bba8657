"""Multi-head self-attention between the fields of a row (Song et al., CIKM 2019, equations 5 to 8).

    a^h_fg = softmax over g of <Q^h x_f, K^h x_g> / sqrt(dim of a head)
    y_f    = relu([sum_g a^h_fg V^h x_g]_h + R x_f)

R is the identity where the number of values stays the same. Dividing by the root is our choice, after Vaswani et al. 2017.
"""

from __future__ import annotations

import numpy as np

from ihas.layers.embedding import Tensor
from ihas.layers.hidden import glorot
from ihas.legacy_keras import tf


class FieldAttention(tf.Module):
    """One attention layer; its kernels are shared by all fields."""

    def __init__(self, num_inputs: int, num_outputs: int, num_heads: int, rng: np.random.Generator) -> None:
        """
        Args:
            num_inputs: values of a field that enter.
            num_outputs: values of a field that leave, all heads together.
            num_heads: heads; they divide `num_outputs`.
            rng: draws the kernels.
        """
        super().__init__("attention")
        self.num_heads, self.num_inputs, self.num_outputs = num_heads, num_inputs, num_outputs
        names = ["query", "key", "value"] + ["residual"] * (num_inputs != num_outputs)
        self.kernels = {name: tf.Variable(glorot(rng, (num_inputs, num_outputs)), name=name) for name in names}

    def __call__(self, fields: Tensor) -> Tensor:
        """float32 (batch, num_fields, num_inputs) -> (batch, num_fields, num_outputs)."""
        query, key, value = (self._heads(fields @ self.kernels[name]) for name in ("query", "key", "value"))
        scale = float(np.sqrt(self.num_heads / self.num_outputs))
        weights = tf.nn.softmax(scale * query @ tf.transpose(key, [0, 1, 3, 2]))  # (batch, heads, num_fields, num_fields)
        attended = tf.transpose(weights @ value, [0, 2, 1, 3])
        residual = fields @ self.kernels["residual"] if "residual" in self.kernels else fields
        return tf.nn.relu(tf.reshape(attended, [-1, fields.shape[1], self.num_outputs]) + residual)

    def _heads(self, projected: Tensor) -> Tensor:
        parts = tf.reshape(projected, [-1, projected.shape[1], self.num_heads, self.num_outputs // self.num_heads])
        return tf.transpose(parts, [0, 2, 1, 3])  # (batch, heads, num_fields, dim of a head)

    def multiply_adds(self, num_fields: int) -> int:
        """Multiply-adds of one row."""
        projections = len(self.kernels) * num_fields * self.num_inputs * self.num_outputs
        return projections + 2 * num_fields * num_fields * self.num_outputs
