"""A wide recurrent network with its gradients by hand, to hold the kernels against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from ihas.config.overrec import KernelConfig

Array = np.ndarray


@dataclass(frozen=True)
class Weights:
    """One draw, all entries N(0, 1): recurrent and input weights and biases of each layer, and the read-out."""

    recurrent: list[Array]
    inputs: list[Array]
    biases: list[Array]
    read_out: Array

    @classmethod
    def drawn(cls, width: int, num_items: int, num_layers: int, rng: np.random.Generator) -> Weights:
        """A draw."""
        sizes = [num_items] + [width] * (num_layers - 1)
        return cls(
            [rng.standard_normal((width, width)) for _ in range(num_layers)],
            [rng.standard_normal((width, size)) for size in sizes],
            [rng.standard_normal(width) for _ in range(num_layers)],
            rng.standard_normal(width),
        )


@dataclass(frozen=True)
class Pass:
    """Hidden states (layer, time from 0, width), the output's derivatives by pre-activations (layer, time, width), the read-out's input."""

    hidden: Array
    slopes: Array
    pooled: Array


def run(config: KernelConfig, weights: Weights, sequence: list[int], rng: np.random.Generator) -> Pass:
    """Forward and back through time."""
    width, steps, layers = len(weights.read_out), len(sequence), config.num_layers
    root = np.sqrt(width)
    hidden, g = np.zeros((layers, steps + 1, width)), np.zeros((layers, steps, width))
    hidden[:, 0] = config.sigma_h * rng.standard_normal((layers, width))
    for t, item in enumerate(sequence):
        for layer in range(layers):
            below = weights.inputs[0][:, item] if layer == 0 else weights.inputs[layer] @ hidden[layer - 1, t + 1] / root
            before = weights.recurrent[layer] @ hidden[layer, t] / root
            g[layer, t] = config.sigma_w * before + config.sigma_u * below + config.sigma_b * weights.biases[layer]
            hidden[layer, t + 1] = _phi(config, g[layer, t])
    shares = np.full(steps, 1.0 / steps) if config.pooling == "average" else np.eye(steps)[-1]
    slopes = np.zeros((layers, steps, width))
    for t in range(steps - 1, -1, -1):
        for layer in range(layers - 1, -1, -1):
            into = shares[t] * config.sigma_v / root * weights.read_out if layer == layers - 1 else np.zeros(width)
            if t + 1 < steps:
                into = into + config.sigma_w / root * weights.recurrent[layer].T @ slopes[layer, t + 1]
            if layer + 1 < layers:
                into = into + config.sigma_u / root * weights.inputs[layer + 1].T @ slopes[layer + 1, t]
            slopes[layer, t] = into * _slope(config, g[layer, t])
    return Pass(hidden, slopes, shares @ hidden[-1, 1:])


def empirical(config: KernelConfig, one: Pass, other: Pass, matches: Array) -> tuple[float, float]:
    """Inner product of the outputs' gradients by all weights, and the outputs' covariance under the draw of the read-out."""
    width = one.pooled.shape[0]
    nngp = config.sigma_v**2 * float(one.pooled @ other.pooled) / width
    ntk = nngp
    for layer in range(config.num_layers):
        recurrent = config.sigma_w**2 * one.hidden[layer, :-1] @ other.hidden[layer, :-1].T / width
        below = matches if layer == 0 else one.hidden[layer - 1, 1:] @ other.hidden[layer - 1, 1:].T / width
        factors = recurrent + config.sigma_u**2 * below + config.sigma_b**2
        ntk += float((one.slopes[layer] @ other.slopes[layer].T * factors).sum())
    return ntk, nngp


def _phi(config: KernelConfig, g: Array) -> Array:
    return {"relu": np.maximum(g, 0.0), "erf": erf(g), "linear": g}[config.activation]


def _slope(config: KernelConfig, g: Array) -> Array:
    return {"relu": (g > 0.0).astype(float), "erf": 2.0 / np.sqrt(np.pi) * np.exp(-(g**2)), "linear": np.ones_like(g)}[config.activation]
