"""Bernoulli gates over embedding dimensions, learnt per instance.

    a = logits((e - mean) / scale),   pi = sigmoid(a),   logits of the form of gate (ihas/gates)
    sampled:        u ~ U(0, 1),  s = sigmoid((a + ln u - ln(1 - u)) / tau),  z = 1[s > 1/2], gradient of s
    deterministic:  z = 1[a > 0]

Source: iHAS (Yu et al., CIKM 2023), figure 1, for one gate per element fed by the embedding; form of W,
standardisation and estimator are our choice.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ihas.config.search import SearchConfig
from ihas.gates.form import GateSize
from ihas.gates.registry import GATE_FORMS
from ihas.layers.batch_shares import batch_moments
from ihas.layers.embedding import Tensor
from ihas.layers.noise import logistic_noise
from ihas.legacy_keras import tf
from ihas.routing.router import Gates

MOMENTUM = 0.99
INITIAL_BIAS = 2.0  # sigmoid(2) = 0.88: gates start open


class BernoulliGates(tf.Module):
    """Trainable gates for embeddings of num_fields * dim elements."""

    def __init__(self, num_fields: int, dim: int, config: SearchConfig, rng: np.random.Generator) -> None:
        super().__init__("gates")
        self.config, self.num_fields, self.dim = config, num_fields, dim
        width = num_fields * dim
        self.form = GATE_FORMS[config.gate]
        shapes = self.form.shapes(GateSize(num_fields, dim, config.gate_hidden))
        self.kernels = [tf.Variable(_small(rng, shape), name=f"kernel_{i}") for i, shape in enumerate(shapes.kernels)]
        self.biases = [tf.Variable(tf.zeros(shape), name=f"bias_{i}") for i, shape in enumerate(shapes.biases[:-1])]
        self.biases.append(tf.Variable(tf.fill([width], INITIAL_BIAS), name="bias"))
        self.mean = tf.Variable(tf.zeros([width]), trainable=False, name="mean")
        self.variance = tf.Variable(tf.ones([width]), trainable=False, name="variance")

    def start_statistics(self, embedded: np.ndarray) -> None:
        """Set the standardisation to that of embedded rows, float32 (rows, N)."""
        if self.config.standardize:
            self.mean.assign(embedded.mean(axis=0))
            self.variance.assign(np.maximum(embedded.var(axis=0), 1e-8))

    def logits(self, embedded: Tensor, *, training: bool) -> Tensor:
        """Gate logits a: float32 (batch, N) -> (batch, N); in training the running statistics move."""
        values = tf.stop_gradient(embedded) if self.config.detach else embedded
        if self.config.standardize:
            if training:
                mean, variance = batch_moments(tf.stop_gradient(embedded), 0, self.mean)
                self.mean.assign(MOMENTUM * self.mean + (1.0 - MOMENTUM) * mean)
                self.variance.assign(MOMENTUM * self.variance + (1.0 - MOMENTUM) * tf.maximum(variance, 1e-8))
            values = (values - self.mean) * tf.math.rsqrt(self.variance)
        return self.form.tensor_logits(tf, values, self.kernels, self.biases)

    def sample(self, logits: Tensor, seed: Tensor) -> Tensor:
        """Draw z in {0, 1} with straight-through gradient: logits float32 (batch, N), seed int32 (2,)."""
        return straight_through(logits + logistic_noise(logits, seed), self.config.temperature)

    def thaw(self, gates: Gates) -> None:
        """Set everything that is trained to that of gates that were frozen, of the same form."""
        self.mean.assign(gates.mean)
        self.variance.assign(gates.scale * gates.scale)
        for variables, values in ((self.kernels, gates.kernels), (self.biases, gates.biases)):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def freeze(self) -> Gates:
        """The gates as a value that routing reads."""
        width = self.num_fields * self.dim
        scale = np.sqrt(self.variance.numpy()) if self.config.standardize else np.ones(width, np.float32)
        return Gates(
            form=self.config.gate,
            mean=self.mean.numpy(),
            scale=scale,
            kernels=tuple(kernel.numpy() for kernel in self.kernels),
            biases=tuple(bias.numpy() for bias in self.biases),
        )


def straight_through(noisy: Tensor, temperature: float) -> Tensor:
    """1[x > 0] with the gradient of sigmoid(x / tau): float32, any shape."""

    @tf.custom_gradient
    def gate(x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        def gradient(upstream: Tensor) -> Tensor:
            soft = tf.sigmoid(x / temperature)
            return upstream * (soft - soft * soft) / temperature

        return tf.cast(x > 0.0, tf.float32), gradient

    return gate(noisy)


def _small(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    limit = 0.1 * np.sqrt(6.0 / (shape[-2] + shape[-1]))
    return rng.uniform(-limit, limit, shape).astype(np.float32)
