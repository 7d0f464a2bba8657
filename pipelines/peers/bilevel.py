"""First-order bi-level training (Liu et al., DARTS, ICLR 2019, equation 7 with xi = 0).

    every step                w <- w - Adam(grad_w L_train(w, a))
    every `every`-th of them  a <- a - Adam(grad_a L_valid(w, a))

Both with the same learning rate. The validation batch is as large as the training batch and drawn with replacement.
"""

from __future__ import annotations

import numpy as np

from ihas.config import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.models.network import Network
from ihas.optimizer import Adam
from ihas.training import Trainer

OTHER_DRAWS = [1 << 20, 0]  # keeps a validation batch's draws apart from those of the training steps


class Bilevel:
    """Which variables learn from which rows.

    Attributes:
        architecture: variables that validation rows train; the network must not count them as dense.
        valid: validation rows.
        every: training steps for each step of the architecture.
    """

    def __init__(self, architecture: list[Tensor], valid: Dataset, every: int) -> None:
        self.architecture, self.every = architecture, every
        self.ids, self.labels = tf.constant(np.asarray(valid.ids)), tf.constant(np.asarray(valid.labels))


class BilevelTrainer(Trainer):
    """The training loop, with steps of the architecture on validation rows between its own."""

    def __init__(self, network: Network, config: TrainingConfig, rng: np.random.Generator, bilevel: Bilevel) -> None:
        super().__init__(network, config, rng)
        self.bilevel = bilevel
        self.architecture_optimizer = Adam(tf.Variable(tf.zeros([0, 0]), trainable=False), bilevel.architecture, 0.0)

    def step(self, ids: Tensor, labels: Tensor, group: Tensor, learning_rate: Tensor, seed: Tensor) -> Tensor:
        loss = Trainer.step(self, ids, labels, group, learning_rate, seed)
        due = tf.equal(tf.math.floormod(self.optimizer.steps, float(self.bilevel.every)), 0.0)
        tf.cond(due, lambda: self._architecture_step(tf.size(labels), learning_rate, seed), lambda: 0.0)
        return loss

    def _architecture_step(self, num_rows: Tensor, learning_rate: Tensor, seed: Tensor) -> Tensor:
        rows = tf.random.stateless_uniform([num_rows], seed + [1, 0] + OTHER_DRAWS, maxval=tf.size(self.bilevel.labels), dtype=tf.int32)
        ids, labels = tf.gather(self.bilevel.ids, rows), tf.gather(self.bilevel.labels, rows)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self.bilevel.architecture)
            logits, penalty = self.network.train_logits(self.network.look_up(ids), ids, tf.zeros([num_rows], tf.int32), seed + OTHER_DRAWS)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)) + penalty
        gradients = tape.gradient(loss, self.bilevel.architecture, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        self.architecture_optimizer.apply_dense(gradients, learning_rate)
        return loss
