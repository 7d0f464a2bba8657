"""The one training loop: shuffled blocks, a step at a time, early stopping on validation rows.

read     rows of the table that the batch needs           (NumPy and Numba, in place)
graph    loss, gradients of what was read, dense update   (one TensorFlow call)
write    those gradients into the table                   (NumPy and Numba, in place)

What is ranked and kept after an epoch is the average of epochs (averaging.py). Within `ihas.training.ranks.as_rank` a step is made together
with other processes, each on its share of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.errors import TrainingError
from ihas.layers.batch_shares import BatchShare, own_part, own_part_of_mean, summed, within
from ihas.layers.embedding import Lookup, Tensor, slot_rows
from ihas.legacy_keras import tf
from ihas.metrics import auc
from ihas.models.network import Network
from ihas.models.prediction import GroupedRows, predict
from ihas.optim.batch_rows import BatchRows
from ihas.optim.table_optimizer import ALIGNMENT
from ihas.optim.update_rules import dense_optimizer, table_optimizer
from ihas.results.run_result import EpochMetrics
from ihas.training.averaging import EpochAverage, State
from ihas.training.kept import Kept, Start, validation_score
from ihas.training.ranks import current_ranks
from ihas.training.steps import KeptPath, Steps

BLOCK_ROWS = 1_000_000
CHANCE, CHANCE_ERRORS, PATIENCE_AT_CHANCE = 0.53, 2.0, 15
LOWEST_RATE = 0.03  # of the initial rate: what an average gains below it is in the sixth digit (our choice)
GIVEN_UP_AFTER = 5  # epochs, in which the rate falls to less than a hundredth (our choice)
LABELS, TASKS, SHARE = tf.TensorSpec([None], tf.float32), tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([2], tf.int32)
READ = [tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None, None], tf.int32)]
SETTINGS = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32), tf.TensorSpec([2], tf.int32)]
EpochListener = Callable[[EpochMetrics], None]


@dataclass(frozen=True)
class TrainingRows:
    """Rows to learn from, and rows that say when to stop."""

    train: GroupedRows
    valid: GroupedRows

    @staticmethod
    def one_group(parts: Splits) -> TrainingRows:
        """All training and validation rows, in group 0."""
        return TrainingRows(GroupedRows.one_group(parts.train), GroupedRows.one_group(parts.valid))


class Trainer:
    """Trains one network; its optimiser state starts fresh with it."""

    def __init__(self, network: Network, config: TrainingConfig, rng: np.random.Generator) -> None:
        self.network, self.config, self.rng = network, config, rng
        self.dense = network.dense_variables
        self.optimizer = dense_optimizer(config, self.dense)
        self._graphs: dict[tuple[bool, bool, bool], Any] = {}
        self._task_scale = np.ones(0, np.float32)
        self.table, self.ranks = table_optimizer(network, config), current_ranks()
        self._rows = None if self.ranks is None else BatchRows(self.table, self.ranks)
        self.given_up = False
        self.steps: Steps = ()

    def fit(
        self, name: str, rows: TrainingRows, epochs: int, listen: EpochListener, *, start: Start = "forgotten"
    ) -> tuple[EpochMetrics, ...]:
        """Train until `epochs` or until validation stops improving; the network keeps its best weights.

        Under `averaging` an epoch's weights are the average of epochs; after one that is no better the rate falls and training goes on from
        the best average, until the rate has fallen below `LOWEST_RATE` of the first. While validation AUC has not left chance (`CHANCE`),
        up to `PATIENCE_AT_CHANCE` epochs, nothing is awaited and the rate stays: where only pairs of values tell, learning begins late,
        and is over before it began if the first epochs count (our choice).
        Trained weights are not lost (kept.py): where the best epoch is clearly below what it started from, the rate falls; after
        `GIVEN_UP_AFTER` epochs the training is given up, which `given_up` then tells, and the weights it started from are back.
        `steps` tells how it came to what it keeps.

        Raises:
            TrainingError: the loss or a score became infinite or not a number.
        """
        history: list[EpochMetrics] = []
        labels, waited, learning_rate = rows.valid.rows.labels, 0, self.config.rate
        average, path = EpochAverage(self.config.averaging), KeptPath()
        kept = Kept(start, self._state(), None if start == "forgotten" else predict(self.network, rows.valid), labels)
        for epoch in range(1, epochs + 1):
            loss = self.run_epoch(rows.train, learning_rate)
            logits = self._ranked(average, rows.valid)
            if not (np.isfinite(loss) and np.isfinite(logits).all()):
                raise TrainingError(
                    f"Loss and scores must stay finite, but are not after epoch {epoch} of `{name}` (mean loss {loss:g}). "
                    f"Lower `training.learning_rate` ({learning_rate:g})."
                )
            history.append(EpochMetrics(model=name, epoch=epoch, loss=loss, auc=auc(logits, labels) or 0.5))
            listen(history[-1])
            better, below = kept.offer(logits, average.copy), kept.is_below_start()
            path.went(learning_rate, begins=average.count == 1)
            if better:
                path.keep()
            if better and not below:
                waited = 0
                continue
            if epoch <= PATIENCE_AT_CHANCE and start == "forgotten" and _at_chance(history, labels):
                continue
            waited, learning_rate = 0 if better else waited + 1, learning_rate * self.config.plateau_factor
            if waited > self.config.patience or (below and epoch >= GIVEN_UP_AFTER):
                break
            if self.config.averaging and not below:
                if learning_rate < LOWEST_RATE * self.config.rate:
                    break
                self._restore(kept.state)
                average.forget()
                path.go_back()
        self.given_up = kept.is_below_start()
        self.steps = () if self.given_up else path.steps
        self._restore(kept.state)
        return tuple(history)

    def repeat(self, steps: Steps, train: GroupedRows) -> None:
        """Train as another training was, epoch by epoch; the network ends with what that one kept.

        Raises:
            TrainingError: the loss became infinite or not a number.
        """
        average = EpochAverage(self.config.averaging)
        for step in steps:
            if step.from_average:
                self._restore(average.state)
            loss = self.run_epoch(train, step.rate)
            if not np.isfinite(loss):
                raise TrainingError(f"Loss must stay finite, but is {loss:g}. Lower `training.learning_rate` ({self.config.rate:g}).")
            average.begin(self._state()) if step.begins else average.add(self._state())
        if steps:
            self._restore(average.state)

    def _ranked(self, average: EpochAverage, valid: GroupedRows) -> np.ndarray:
        """The average's answers after another epoch, float32 (rows,); it begins anew where the epoch alone ranks better."""
        state, own = self._state(), predict(self.network, valid)
        average.add(state)
        if average.count == 1 or not np.isfinite(own).all():
            return own
        self._restore(average.state)
        logits = predict(self.network, valid)
        self._restore(state)
        if not np.isfinite(logits).all() or validation_score(own, valid.rows.labels) <= validation_score(logits, valid.rows.labels):
            return logits
        average.begin(state)
        return own

    def run_epoch(self, train: GroupedRows, learning_rate: float) -> float:
        """One pass over the training rows in random order; the mean loss."""
        total, size = 0.0, self.config.batch_size or batch_size_for(len(train.rows))
        self.table.values[...] = self.network.table.numpy()
        self._task_scale = task_scale(train.rows)
        for start in self.rng.permutation(np.arange(0, len(train.rows), BLOCK_ROWS)).tolist():
            block = train.block(start, start + BLOCK_ROWS)
            order, seed = self.rng.permutation(len(block.rows)), self.rng.integers(2**31 - 1, size=2).astype(np.int32)
            for step, first in enumerate(range(0, len(order), size)):
                batch = block.take(order[first : first + size])
                total += len(batch.group) * self.step(batch, learning_rate, seed + np.array([0, step * 64], np.int32))
        self.table.settle(learning_rate)
        self.network.table.assign(self.table.values)
        return total / len(train.rows)

    def step(self, batch: GroupedRows, learning_rate: float, seed: np.ndarray) -> float:
        """One step on one batch; its loss."""
        if self._rows is not None:
            return self._step_together(self._rows, batch, learning_rate, seed)
        ids, (labels, weights) = batch.rows.ids, targets_of(batch.rows, self._task_scale)
        inputs = (ids, labels, batch.group, np.float32(learning_rate), seed, *(() if weights is None else (weights,)))
        graph = self._graph(weighted=weights is not None)
        loss, gradient = graph(lent(self.table.look_up(ids, learning_rate)), *map(tf.convert_to_tensor, inputs))
        self.table.apply(ids, np.asarray(memoryview(gradient)), learning_rate)
        return float(loss)

    def _step_together(self, rows: BatchRows, batch: GroupedRows, learning_rate: float, seed: np.ndarray) -> float:
        """The same step; the loss is that of the whole batch."""
        own, whole = rows.share(len(batch.group)), batch.rows
        labels, counted = targets_of(whole, self._task_scale)
        inputs = (whole.ids[own], labels[own], batch.group[own], np.float32(learning_rate), seed)
        weights = () if counted is None else (tf.convert_to_tensor(counted[own]),)
        share = tf.constant([own.start, len(batch.group)], tf.int32)
        values = lent(rows.look_up(whole.ids, learning_rate))
        loss, gradient = self._graph(weighted=bool(weights))(share, values, *map(tf.convert_to_tensor, inputs), *weights)
        rows.apply(np.asarray(memoryview(gradient)), learning_rate)
        return float(loss)

    def _graph(self, *, weighted: bool) -> Any:
        """The dense step as it is called: choosing among traces costs more than a small network."""
        several = self.network.heads > 1
        key = (self.network.masked, weighted, several)
        if key not in self._graphs:
            labels = TASKS if several else LABELS
            signature = [*READ, labels, *SETTINGS, *([labels] if weighted else [])]
            together, made = self.ranks is not None, self._dense_step if self.ranks is None else self._dense_step_together
            self._graphs[key] = tf.function(made, [SHARE] * together + signature, autograph=False).get_concrete_function()
        return self._graphs[key]

    def _dense_step_together(self, share: Tensor, *batch: Tensor) -> tuple[Tensor, Tensor]:
        """The dense step of a share, int32 (2,): rows of the batch before it, rows of the batch."""
        if self.ranks is None:
            raise RuntimeError("A share of a batch is one of several processes'.")
        with within(BatchShare(self.ranks, share[0], share[1])):
            return self._dense_step(*batch)

    def _dense_step(
        self,
        values: Tensor,
        ids: Tensor,
        labels: Tensor,
        group: Tensor,
        learning_rate: Tensor,
        seed: Tensor,
        weights: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([values, *self.dense])
            logits, penalty = self.network.train_logits(Lookup(slot_rows(ids), values), ids, group, seed)
            members = 1 if logits.shape.rank == 1 else logits.shape[1]
            loss = own_part_of_mean(_losses(labels, logits, weights)) + own_part(penalty)
            total = members * loss  # the sum of the members' losses: each is trained as if it were alone
        table_gradient, *gradients = tape.gradient(total, [values, *self.dense], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        loss, *gradients = summed([loss, *gradients])
        self.optimizer.apply(gradients, learning_rate)
        return loss, table_gradient

    def _state(self) -> State:
        return [variable.numpy() for variable in self.network.saved_variables]

    def _restore(self, state: State) -> None:
        for variable, value in zip(self.network.saved_variables, state, strict=True):
            variable.assign(value)


def _losses(labels: Tensor, logits: Tensor, weights: Tensor | None) -> Tensor:
    """Loss of each row, (batch,) or (batch, members), the sum of its tasks'.

    Args:
        labels: float32 (batch,); of several tasks (batch, tasks).
        logits: float32 (batch,) or (batch, members); of several tasks (batch, members, tasks).
        weights: as labels; None where all rows count alike.
    """
    members = logits.shape.rank > labels.shape.rank
    targets = tf.broadcast_to(labels[:, None] if members else labels, tf.shape(logits))
    losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    if weights is not None:
        losses *= weights[:, None] if members else weights
    return tf.reduce_sum(losses, axis=2) if losses.shape.rank == 3 else losses


def task_scale(train: Dataset) -> np.ndarray:
    """What a known label of each task counts in the mean over all training rows, so that the task's loss is its weight times the mean over
    the rows where it is known: float32 (tasks,), 1 first; empty where there is one label."""
    if train.tasks is None:
        return np.ones(0, np.float32)
    known = np.average(~np.isnan(train.tasks), axis=0, weights=train.weights)
    return np.array([1.0, *(np.array(train.task_weights) / np.maximum(known, 1.0 / len(train)))], np.float32)


def targets_of(rows: Dataset, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Labels and weights of a batch, float32 (batch,) each; of several tasks (batch, tasks), a missing label with weight 0."""
    if rows.tasks is None:
        return rows.labels, rows.weights
    labels = np.concatenate([rows.labels[:, None], rows.tasks], axis=1)
    weights = np.where(np.isnan(labels), np.float32(0.0), scale)
    weights = weights if rows.weights is None else weights * rows.weights[:, None]
    return np.nan_to_num(labels), np.asarray(weights, np.float32)


def _at_chance(history: list[EpochMetrics], labels: np.ndarray) -> bool:
    """Whether no epoch yet ranked validation rows, of both labels, better than chance does on as many rows."""
    ones = float(labels.sum())
    zeros = len(labels) - ones
    if not (ones and zeros):
        return False
    error = float(np.sqrt((ones + zeros + 1.0) / (12.0 * ones * zeros)))  # of the AUC of random scores (Mann and Whitney 1947)
    return max(epoch.auc for epoch in history) < max(CHANCE, 0.5 + CHANCE_ERRORS * error)


def lent(values: np.ndarray) -> Tensor:
    """An array that nobody writes to any more, as a tensor; copied only where it is not aligned."""
    if values.ctypes.data % ALIGNMENT:
        return tf.convert_to_tensor(values)
    return tf.experimental.dlpack.from_dlpack(values.__dlpack__())


def batch_size_for(num_rows: int) -> int:
    """Power of two nearest to num_rows / 200, from 32 to 4,096: some two hundred steps an epoch for tables of every size (our choice)."""
    return int(np.clip(2 ** round(np.log2(max(num_rows, 1) / 200)), 32, 4096))
