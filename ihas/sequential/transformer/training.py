"""Training of the sequential transformer: Adam until it gets no better, then gradient descent until it gets no better.

Every item of a sequence but its first is a target, told from those before it. Source: LSRM (Zhang et al., RecSys 2024): Adam to
convergence, then SGD to convergence; rates are our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ihas.config.transformer import TransformerConfig, TransformerEpoch, TransformerTraining
from ihas.errors import DataError, TrainingError
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.optim.optimizer import UpdateRule
from ihas.seeding import generator
from ihas.sequential.data.batches import batches, buckets
from ihas.sequential.data.sequences import NextItem, Sequences
from ihas.sequential.transformer.full_ranking import transformer_loss, transformer_metrics
from ihas.sequential.transformer.losses import next_item_losses
from ihas.sequential.transformer.model import Transformer, Weights


@dataclass(frozen=True)
class TrainedTransformer:
    """A trained network.

    Attributes:
        weights: those of the best epoch.
        history: its epochs.
    """

    weights: Weights
    history: tuple[TransformerEpoch, ...]


EpochListener = Callable[[TransformerEpoch], None]


class TransformerTrainer:
    """Trains one network on some sequences."""

    def __init__(self, network: Transformer, train: Sequences, training: TransformerTraining, rng: np.random.Generator) -> None:
        """
        Raises:
            DataError: no sequence has two items.
        """
        self.network, self.training, self.rng = network, training, rng
        self.buckets = buckets(train, network.config.max_length + 1, least=2)
        if not self.buckets:
            raise DataError("Some training sequence must have two items or more, but none has. Give longer sequences.")
        self.variables = list(network.named_variables().values())
        self.rule = UpdateRule("adam", self.variables)
        self._step = self._compiled()

    def use(self, rule: Literal["adam", "sgd"]) -> None:
        """Go on with another update rule, without any state."""
        self.rule = UpdateRule(rule, self.variables)
        self._step = self._compiled()

    def run_epoch(self, learning_rate: float) -> float:
        """One pass over the sequences in random order; the mean loss of a target."""
        total, count, rate = tf.constant(0.0), 0, tf.constant(learning_rate)
        for items in batches(self.buckets, self.training.batch_targets, self.rng):
            targets = int((items[:, 1:] >= 0).sum())
            seed = self.rng.integers(2**31 - 1, size=2).astype(np.int32)
            total, count = total + self._step(items, seed, rate) * targets, count + targets
        return float(total) / count

    def _compiled(self) -> Callable[[np.ndarray, np.ndarray, Tensor], Tensor]:
        signature = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.float32)]
        step: Callable[[np.ndarray, np.ndarray, Tensor], Tensor] = tf.function(self._one_step, signature, autograph=False)
        return step

    def _one_step(self, items: Tensor, seed: Tensor, learning_rate: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            told = items[:, 1:] >= 0
            states = tf.boolean_mask(self.network.states(items[:, :-1], seed), told)
            targets = tf.boolean_mask(items[:, 1:], told)
            loss = tf.reduce_mean(next_item_losses(states, self.network.items, targets, seed, self.training))
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, self.variables)]
        self.rule.apply(gradients, learning_rate)
        return loss


def train_transformer(
    train: Sequences, valid: NextItem, num_items: int, config: TransformerConfig, training: TransformerTraining, listen: EpochListener
) -> TrainedTransformer:
    """Train from fresh weights and keep the epoch that is best on validation rows.

    Raises:
        DataError: no sequence has two items, or there are no validation rows.
        TrainingError: the loss or the validation value became infinite or not a number.
    """
    if not len(valid):
        raise DataError("There must be validation rows to say when to stop, but there are none. Give users with three items or more.")
    rng = generator(training.seed, "transformer")
    network = Transformer(num_items, config, rng)
    trainer = TransformerTrainer(network, train, training, rng)
    chosen = np.sort(rng.permutation(len(valid))[: training.valid_users])
    some = NextItem(valid.users[chosen], valid.histories.take(chosen), valid.targets[chosen])
    fitting = _Fitting(trainer, some, listen)
    fitting.run("adam", training.learning_rate)
    if training.sgd_learning_rate is not None and fitting.left:
        trainer.use("sgd")
        fitting.run("sgd", training.sgd_learning_rate)
    return TrainedTransformer(fitting.best_weights, tuple(fitting.history))


class _Fitting:
    """What is known of a training so far."""

    def __init__(self, trainer: TransformerTrainer, valid: NextItem, listen: EpochListener) -> None:
        self.trainer, self.valid, self.listen = trainer, valid, listen
        self.history: list[TransformerEpoch] = []
        self.best, self.best_weights = -np.inf, trainer.network.weights()

    @property
    def left(self) -> int:
        """Epochs that may still be run."""
        return self.trainer.training.epochs - len(self.history)

    def run(self, rule: Literal["adam", "sgd"], learning_rate: float) -> None:
        """Epochs of one update rule from the best weights so far, until none is better for a while."""
        self.trainer.network.assign(self.best_weights)
        waited = 0
        for _ in range(self.left):
            loss = self.trainer.run_epoch(learning_rate)
            value = self._value() if np.isfinite(loss) and self._finite() else np.nan
            if not np.isfinite(value):
                raise TrainingError(
                    f"Loss and validation value must stay finite, but are ({loss:g}, {value:g}) in epoch {len(self.history) + 1}. "
                    f"Lower the learning rate of {rule!r} ({learning_rate:g})."
                )
            self.history.append(TransformerEpoch(epoch=len(self.history) + 1, rule=rule, loss=loss, valid=value))
            self.listen(self.history[-1])
            if value > self.best:
                self.best, self.best_weights, waited = value, self.trainer.network.weights(), 0
                continue
            waited += 1
            if waited > self.trainer.training.patience:
                break

    def _finite(self) -> bool:
        return all(np.isfinite(values).all() for values in self.trainer.network.weights().values())

    def _value(self) -> float:
        if self.trainer.training.stop_by == "ndcg":
            return transformer_metrics(self.trainer.network, self.valid).ndcg[10]
        return -transformer_loss(self.trainer.network, self.valid)
