"""Losses of next-item prediction, from a state h and the item embeddings E, in nats.

    full      ln sum_i exp(h.E_i) - h.E_target + e (h.E_target - mean_i h.E_i)
    sampled   the same over the target and k drawn items, those that are the target itself left out
    gbce      beta softplus(-h.E_target) + sum over drawn i of softplus(h.E_i),
              beta = alpha (t (1 - 1/alpha) + 1/alpha),  alpha = k / (items - 1)

Source: e smooths labels, Szegedy et al., CVPR 2016, section 7;
gBCE, Petrov and Macdonald, RecSys 2023, of which the second form here follows from sigma(s)^beta.
"""

from __future__ import annotations

from ihas.config.transformer import TransformerTraining
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf

FAR_BELOW = -1e9


def next_item_losses(states: Tensor, embeddings: Tensor, targets: Tensor, seed: Tensor, training: TransformerTraining) -> Tensor:
    """Loss of each target, float32 (targets,): states (targets, dim), embeddings (num_items, dim), targets int32 (targets,).

    Args:
        seed: int32 (2,). Draws the negatives.
    """
    if training.loss == "full":
        return full_losses(states, embeddings, targets) + training.label_smoothing * _lead(states, embeddings, targets)
    num_items = embeddings.shape[0]
    drawn = tf.random.stateless_uniform([training.num_negatives], seed, 0, num_items, tf.int32)
    own = tf.reduce_sum(states * tf.gather(embeddings, targets), axis=1)
    others = tf.matmul(states, tf.gather(embeddings, drawn), transpose_b=True)
    others = tf.where(drawn[None] == targets[:, None], FAR_BELOW, others)
    if training.loss == "sampled":
        return tf.reduce_logsumexp(tf.concat([own[:, None], others], axis=1), axis=1) - own
    beta = calibration_power(training.num_negatives, num_items, training.calibration)
    return beta * tf.nn.softplus(-own) + tf.reduce_sum(tf.nn.softplus(others), axis=1)


def full_losses(states: Tensor, embeddings: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over all items of each target, float32 (targets,)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.matmul(states, embeddings, transpose_b=True))


def _lead(states: Tensor, embeddings: Tensor, targets: Tensor) -> Tensor:
    """How far each target's score lies above the mean of all items' scores, float32 (targets,)."""
    return tf.reduce_sum(states * (tf.gather(embeddings, targets) - tf.reduce_mean(embeddings, axis=0)), axis=1)


def calibration_power(num_negatives: int, num_items: int, t: float) -> float:
    """beta of gBCE: 1 at t = 0, the share of items drawn at t = 1."""
    alpha = num_negatives / (num_items - 1)
    return alpha * (t * (1.0 - 1.0 / alpha) + 1.0 / alpha)
