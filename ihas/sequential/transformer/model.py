"""Decoder-only transformer on item ids.

    x_0 = dropout(sqrt(d) E[items] + P[places]),   x <- x + attention(norm(x)),   x <- x + W_2 gelu(W_1 norm(x)),   s = norm(x_L) E^T

Causal attention, norms before each part, learned places counted from the oldest item read, items' embeddings tied to the output.
N = 12 L d^2 numbers lie in the kernels. Source: Zhang et al., RecSys 2024 (LSRM), whose block is GPT-2's; pre-norm is presumed.
"""

from __future__ import annotations

import numpy as np

from ihas.config.transformer import TransformerConfig
from ihas.errors import ConfigError
from ihas.layers.embedding import Tensor
from ihas.layers.noise import dropout
from ihas.legacy_keras import tf

Weights = dict[str, np.ndarray]
INITIAL_DEVIATION = 0.02
HIDDEN_FACTOR = 4
FAR_BELOW = -1e9


class Layer(tf.Module):
    """Attention and hidden layer, each added to what enters."""

    def __init__(self, config: TransformerConfig, number: int, rng: np.random.Generator) -> None:
        super().__init__(f"layer_{number}")
        self.config, self.number, self.rate = config, number, config.dropout(number)
        dim, inner = config.dim, HIDDEN_FACTOR * config.dim
        residual = INITIAL_DEVIATION / np.sqrt(2.0 * config.num_layers)
        kernels = {
            "attention/in": (dim, 3 * dim, INITIAL_DEVIATION), "attention/out": (dim, dim, residual),
            "hidden/in": (dim, inner, INITIAL_DEVIATION), "hidden/out": (inner, dim, residual),
        }  # fmt: skip
        self.kernels = {name: _normal(rng, (rows, columns), deviation) for name, (rows, columns, deviation) in kernels.items()}
        self.biases = {name: tf.Variable(tf.zeros([kernel.shape[1]])) for name, kernel in self.kernels.items()}
        self.norms = {name: Norm(dim) for name in ("attention", "hidden")}

    def __call__(self, states: Tensor, mask: Tensor, seed: Tensor | None) -> Tensor:
        """float32 (batch, length, dim) -> the same; `mask` float32 (length, length) is added to attention's logits."""
        seeds = None if seed is None else [seed + [0, 4 * self.number + i] for i in (1, 2)]
        attended = self._linear("attention/out", self._attend(self.norms["attention"](states), mask))
        states += dropped(attended, self.rate, seeds and seeds[0])
        hidden = tf.nn.gelu(self._linear("hidden/in", self.norms["hidden"](states)), approximate=True)
        return states + dropped(self._linear("hidden/out", hidden), self.rate, seeds and seeds[1])

    def _linear(self, name: str, values: Tensor) -> Tensor:
        return tf.matmul(values, self.kernels[name]) + self.biases[name]

    def _attend(self, states: Tensor, mask: Tensor) -> Tensor:
        heads, size = self.config.num_heads, self.config.dim // self.config.num_heads
        length = tf.shape(states)[1]
        split = tf.reshape(self._linear("attention/in", states), [-1, length, 3, heads, size])
        query, key, value = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]))  # each (batch, heads, length, size)
        weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / float(np.sqrt(size)) + mask)
        return tf.reshape(tf.transpose(weights @ value, [0, 2, 1, 3]), [-1, length, heads * size])

    def named_variables(self) -> dict[str, Tensor]:
        """Variables by their name in `Weights`."""
        named = {f"{name}/kernel": kernel for name, kernel in self.kernels.items()}
        named |= {f"{name}/bias": bias for name, bias in self.biases.items()}
        named |= {f"{name}/norm/{part}": value for name, norm in self.norms.items() for part, value in norm.named_variables().items()}
        return {f"layer_{self.number}/{name}": value for name, value in named.items()}


class Norm(tf.Module):
    """(x - mean) / sqrt(variance + 1e-5) * gain + bias, over the last axis (Ba et al. 2016)."""

    def __init__(self, dim: int) -> None:
        super().__init__("norm")
        self.gain, self.bias = tf.Variable(tf.ones([dim])), tf.Variable(tf.zeros([dim]))

    def __call__(self, values: Tensor) -> Tensor:
        """float32 (..., dim) -> the same."""
        centred = values - tf.reduce_mean(values, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(variance + 1e-5) * self.gain + self.bias

    def named_variables(self) -> dict[str, Tensor]:
        """Variables by name."""
        return {"gain": self.gain, "bias": self.bias}


class Transformer(tf.Module):
    """The whole network."""

    def __init__(self, num_items: int, config: TransformerConfig, rng: np.random.Generator) -> None:
        """
        Args:
            num_items: items, numbered from 0.
            config: sizes and dropout.
            rng: draws the initial weights.
        """
        super().__init__("transformer")
        self.config, self.num_items = config, num_items
        self.items = _normal(rng, (num_items, config.dim), INITIAL_DEVIATION)
        self.places = _normal(rng, (config.max_length, config.dim), INITIAL_DEVIATION)
        self.layers = [Layer(config, number, rng) for number in range(config.num_layers)]
        self.norm = Norm(config.dim)

    @classmethod
    def of(cls, config: TransformerConfig, weights: Weights) -> Transformer:
        """A network with the given weights; errors as `assign`."""
        network = cls(len(weights["items"]), config, np.random.default_rng(0))
        network.assign(weights)
        return network

    def named_variables(self) -> dict[str, Tensor]:
        """Variables by their name in `Weights`."""
        named = {"items": self.items, "places": self.places}
        for layer in self.layers:
            named |= layer.named_variables()
        return named | {f"norm/{part}": value for part, value in self.norm.named_variables().items()}

    def weights(self) -> Weights:
        """Copy of every variable."""
        return {name: variable.numpy() for name, variable in self.named_variables().items()}

    def assign(self, weights: Weights) -> None:
        """Set every variable.

        Raises:
            ConfigError: names or shapes are not this network's.
        """
        expected = {name: tuple(variable.shape) for name, variable in self.named_variables().items()}
        received = {name: value.shape for name, value in weights.items()}
        if expected != received:
            raise ConfigError(f"Weights must have the transformer's names and shapes {expected}, but got {received}.")
        for name, variable in self.named_variables().items():
            variable.assign(weights[name])

    def states(self, items: Tensor, seed: Tensor | None) -> Tensor:
        """Hidden states after each item, float32 (batch, length, dim): items int32 (batch, length), -1 after the last one.

        A state sees the items up to its own alone, so what stands at padded places reaches no other.
        """
        length = tf.shape(items)[1]
        states = self.config.embedding_factor * tf.gather(self.items, tf.maximum(items, 0)) + self.places[:length]
        states = dropped(states, self.config.dropout_first, seed)
        mask = FAR_BELOW * (1.0 - tf.linalg.band_part(tf.ones([length, length]), -1, 0))
        for layer in self.layers:
            states = layer(states, mask, seed)
        return self.norm(states)

    def last_states(self, items: Tensor) -> Tensor:
        """State after the last item of each row, float32 (batch, dim); of a row without items, zero."""
        counts = tf.reduce_sum(tf.cast(items >= 0, tf.int32), axis=1)
        found = tf.gather(self.states(items, None), tf.maximum(counts - 1, 0), batch_dims=1)
        return found * tf.cast(counts > 0, tf.float32)[:, None]

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def scores(self, items: Tensor) -> Tensor:
        """Score of every item to come next, float32 (batch, num_items): items int32 (batch, length), -1 after the last one."""
        return tf.matmul(self.last_states(items), self.items, transpose_b=True)


def dropped(values: Tensor, rate: float, seed: Tensor | None) -> Tensor:
    """Dropout in training, where there is a seed int32 (2,); nothing otherwise."""
    return values if seed is None or rate == 0.0 else dropout(values, rate, seed)


def _normal(rng: np.random.Generator, shape: tuple[int, int], deviation: float) -> Tensor:
    return tf.Variable(rng.normal(0.0, deviation, shape).astype(np.float32))
