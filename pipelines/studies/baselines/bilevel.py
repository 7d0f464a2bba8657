"""First-order bi-level training (Liu et al., DARTS, ICLR 2019, equation 7 with xi = 0).

    every step                w <- w - Adam(grad_w L_train(w, a))
    every `every`-th of them  a <- a - Adam(grad_a L_valid(w, a))

Both with the same learning rate. The validation batch is as large as the training batch and drawn with replacement.
"""

from __future__ import annotations

import numpy as np

from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.layers.embedding import Lookup, Tensor, slot_rows
from ihas.legacy_keras import tf
from ihas.models.network import Network
from ihas.models.prediction import GroupedRows
from ihas.optim.optimizer import Adam
from ihas.training.trainer import Trainer

OTHER_DRAWS = np.array([1 << 20, 0], np.int32)  # keeps a validation batch's draws apart from those of the training steps


class Bilevel:
    """Which variables learn from which rows.

    Attributes:
        architecture: variables that validation rows train; the network must not count them as dense.
        valid: validation rows.
        every: training steps for each step of the architecture.
    """

    def __init__(self, architecture: list[Tensor], valid: Dataset, every: int) -> None:
        self.architecture, self.every, self.valid = architecture, every, valid

    def draw(self, num_rows: int, seed: np.ndarray) -> Dataset:
        """Validation rows, with replacement."""
        return self.valid.take(np.random.default_rng(seed).integers(len(self.valid), size=num_rows))


class BilevelTrainer(Trainer):
    """The training loop, with steps of the architecture on validation rows between its own."""

    def __init__(self, network: Network, config: TrainingConfig, rng: np.random.Generator, bilevel: Bilevel) -> None:
        super().__init__(network, config, rng)
        self.bilevel = bilevel
        self.architecture_optimizer = Adam(bilevel.architecture)

    def step(self, batch: GroupedRows, learning_rate: float, seed: np.ndarray) -> float:
        loss = super().step(batch, learning_rate, seed)
        if self.table.steps % self.bilevel.every == 0:
            valid = self.bilevel.draw(len(batch.group), seed)
            values = self.table.look_up(valid.ids, learning_rate)
            self._architecture_step(values, valid.ids, valid.labels, np.float32(learning_rate), seed + OTHER_DRAWS)
        return loss

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.float32),
            tf.TensorSpec([], tf.float32), tf.TensorSpec([2], tf.int32),
        ]
    )  # fmt: skip
    def _architecture_step(self, values: Tensor, ids: Tensor, labels: Tensor, learning_rate: Tensor, seed: Tensor) -> None:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self.bilevel.architecture)
            logits, penalty = self.network.train_logits(Lookup(slot_rows(ids), values), ids, tf.zeros_like(labels, tf.int32), seed)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)) + penalty
        gradients = tape.gradient(loss, self.bilevel.architecture, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        self.architecture_optimizer.apply(gradients, learning_rate)
