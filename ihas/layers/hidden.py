"""Hidden layers: x -> dropout(relu(W x + b)), or dropout(relu(batch_norm(W x))), once per entry of `hidden`."""

from __future__ import annotations

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.layers.batch_shares import batch_moments, batch_share
from ihas.layers.embedding import Tensor
from ihas.layers.noise import dropout
from ihas.legacy_keras import keras, tf

Weights = dict[str, np.ndarray]
NORM_MOMENTUM = 0.9


class HiddenLayers(tf.Module):
    """The fully connected part that most backbones share."""

    def __init__(self, num_inputs: int, config: BackboneConfig, seed: int) -> None:
        super().__init__("hidden")
        self.num_inputs, self.config = num_inputs, config
        self.dense = [dense(units, seed + i, use_bias=not config.batch_norm) for i, units in enumerate(config.hidden)]
        epsilon = config.batch_norm_epsilon
        self.norms = [keras.layers.BatchNormalization(momentum=NORM_MOMENTUM, epsilon=epsilon) for _ in config.hidden if config.batch_norm]
        for layer, width in zip(self.dense, self.widths, strict=False):
            layer.build((None, width))
        for norm, units in zip(self.norms, config.hidden, strict=False):
            norm.build((None, units))

    @property
    def widths(self) -> tuple[int, ...]:
        """Values entering each hidden layer, and last those leaving."""
        return (self.num_inputs, *self.config.hidden)

    def __call__(self, values: Tensor, seed: Tensor | None) -> Tensor:
        """float32 (batch, num_inputs) -> (batch, widths[-1]); `seed` int32 (2,) in training, None otherwise."""
        for i, layer in enumerate(self.dense):
            values = layer(values)
            if self.norms:
                together = seed is not None and batch_share() is not None
                values = _norm_together(self.norms[i], values) if together else self.norms[i](values, training=seed is not None)
            values = tf.nn.relu(values)
            if seed is not None and self.config.dropout > 0.0:
                values = dropout(values, self.config.dropout, seed + [0, i + 1])
        return values

    def named_variables(self) -> dict[str, Tensor]:
        """Variables by their name in `Weights`."""
        named = {f"hidden_{i}/{part}": variable for i, layer in enumerate(self.dense) for part, variable in dense_parts(layer)}
        for i, norm in enumerate(self.norms):
            parts = {"gamma": norm.gamma, "beta": norm.beta, "mean": norm.moving_mean, "variance": norm.moving_variance}
            named |= {f"norm_{i}/{part}": variable for part, variable in parts.items()}
        return named

    def multiply_adds(self) -> int:
        """Multiply-adds of one row; batch normalisation folds into the kernels and costs none."""
        return sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))


def _norm_together(norm: Tensor, values: Tensor) -> Tensor:
    """Batch normalisation in training by the moments of all processes' rows, as the layer does it by those of one."""
    found = batch_moments(values, 0, norm.moving_mean)
    for moving, now in zip((norm.moving_mean, norm.moving_variance), found, strict=True):
        moving.assign_sub((1.0 - NORM_MOMENTUM) * (moving - tf.stop_gradient(now)))
    return tf.nn.batch_normalization(values, *found, norm.beta, norm.gamma, norm.epsilon)


def dense(units: int, seed: int, *, use_bias: bool = True) -> Tensor:
    """A linear layer with Glorot-uniform kernel; batch normalisation after it would take a bias away again."""
    return keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=keras.initializers.GlorotUniform(seed=seed))


def dense_parts(layer: Tensor) -> list[tuple[str, Tensor]]:
    """Variables of a built linear layer, by part."""
    return [("kernel", layer.kernel)] + ([("bias", layer.bias)] if layer.use_bias else [])


def glorot(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Uniform within sqrt(6 / (inputs + outputs)) of zero (Glorot and Bengio 2010, equation 16): float32 `shape`."""
    limit = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape).astype(np.float32)
