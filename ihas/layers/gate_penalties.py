"""What the search asks of gate probabilities beside a good prediction.

With pi of shape (batch, N), H the binary entropy and rho the wanted share of open gates:

    information   -(mean_i H(mean_b pi) - mean_bi H(pi)) + KEEP_WEIGHT (mean pi - rho)^2
    polarization  t mean pi - mean_bi |pi - mean_i pi|,   t = 2 - 4 rho

`information` is the mutual information between instance and gate: gates must be decided and must differ between
instances (our choice). `polarization` is Zhuang et al., NeurIPS 2020; its minimum keeps the share (2 - t) / 4.
"""

from __future__ import annotations

from collections.abc import Callable

from ihas.config.search import SearchConfig
from ihas.layers.batch_shares import batch_means, batch_share, first_rows
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf

KEEP_WEIGHT = 10.0
MAX_ROWS = 1024


def gate_penalty(logits: Tensor, config: SearchConfig) -> Tensor:
    """Penalty, a scalar, of gate logits float32 (batch, N); of a larger batch the first `MAX_ROWS` rows stand for all."""
    logits = first_rows(logits, MAX_ROWS)
    pi = tf.sigmoid(logits)
    if config.regularizer == "polarization":
        t = 2.0 - 4.0 * config.keep_ratio
        spread, kept = batch_means([tf.abs(pi - tf.reduce_mean(pi, axis=1, keepdims=True)), pi], [None, None], MAX_ROWS)
        return config.strength * (t * kept - spread)
    of_gates, kept = batch_means([pi, pi], [0, None], MAX_ROWS)
    entropy = mean_entropy(logits) if batch_share() is None else batch_means([_entropies(logits)], [None], MAX_ROWS)[0]
    information = tf.reduce_mean(binary_entropy(of_gates)) - entropy
    return config.strength * (KEEP_WEIGHT * tf.square(kept - config.keep_ratio) - information)


def binary_entropy(pi: Tensor) -> Tensor:
    """H(pi) = -pi ln pi - (1 - pi) ln(1 - pi), element by element, in nats."""
    pi = tf.clip_by_value(pi, 1e-7, 1.0 - 1e-7)
    return -pi * tf.math.log(pi) - (1.0 - pi) * tf.math.log1p(-pi)


@tf.custom_gradient
def mean_entropy(logits: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Mean of H(sigmoid(a)) over all elements, a scalar; its gradient, -a pi (1 - pi) / size, needs no logarithm."""
    pi = tf.sigmoid(logits)

    def gradient(upstream: Tensor) -> Tensor:
        return -upstream / tf.cast(tf.size(logits), tf.float32) * logits * (pi - pi * pi)

    return tf.reduce_mean(binary_entropy(pi)), gradient


@tf.custom_gradient
def _entropies(logits: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What `mean_entropy` is the mean of, where the mean is over several processes' rows."""
    pi = tf.sigmoid(logits)
    return binary_entropy(pi), lambda upstream: -upstream * logits * (pi - pi * pi)
