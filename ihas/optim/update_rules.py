"""What trains an embedding and the variables beside it, by any rule of `ihas.optim.optimizer`, plain or as a product.

With other rules than Adam and AdaGrad, or a product, the whole table is updated at each step, and a step costs the vocabulary.
"""

from __future__ import annotations

import os

import numpy as np

from ihas.config.training import TrainingConfig
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Lookup, Tensor, slot_rows
from ihas.layers.overparameterisation import Embedding, OverparameterisedEmbedding, PlainEmbedding
from ihas.legacy_keras import tf
from ihas.models.network import Network
from ihas.optim.optimizer import Adam, Rule, UpdateRule
from ihas.optim.table_optimizer import TableAdagrad, TableAdam, TableByRows
from ihas.optim.tied_table import TiedTable


class EmbeddingOptimizer(tf.Module):
    """Changes an embedding by one rule, within the graph."""

    def __init__(self, rule: Rule, embedding: Embedding, table_l2: float) -> None:
        """
        Args:
            rule: how variables follow their gradients.
            embedding: plain or overparameterised.
            table_l2: weight of half the squared norm of the folded table in the loss, so that the objective is the plain table's.
        """
        super().__init__("embedding_optimizer")
        self.embedding, self.table_l2, self.rule = embedding, table_l2, UpdateRule(rule, embedding.factors)

    def apply(self, found: Lookup, gradient: Tensor, learning_rate: Tensor) -> None:
        """One step: `gradient` belongs to `found.values`."""
        table = self.embedding.fold()
        summed = tf.scatter_nd(found.rows[:, None], gradient, table.shape) + self.table_l2 * table
        self.rule.apply(self.embedding.pull_back(summed), learning_rate)


class TableDescent:
    """A table while it is trained by any rule, plain or as a product; answers the calls of `ihas.optim.table_optimizer.TableByRows`.

    Attributes:
        values: float32 (num_rows, width). The folded table; where it is set from outside between epochs, factors start again from it.
        steps: steps done.
    """

    def __init__(self, rule: Rule, embedding: Embedding, table_l2: float) -> None:
        self.optimizer, self.steps = EmbeddingOptimizer(rule, embedding, table_l2), 0
        self.values = embedding.fold().numpy().copy()
        self._epoch_end: np.ndarray | None = self.values.copy()

    def look_up(self, ids: np.ndarray, learning_rate: float) -> np.ndarray:  # noqa: ARG002 # TableByRows needs it
        """Rows that ids int32 (batch, num_slots) read: float32 (batch * num_slots, width), zeros for padding."""
        if self._epoch_end is not None and not np.array_equal(self._epoch_end, self.values):
            self.optimizer.embedding.start_at(self.values)
        self._epoch_end = None
        return np.asarray(self.values[np.maximum(ids, 0).reshape(-1)] * _present(ids))

    def apply(self, ids: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """One step: `gradient` float32 (batch * num_slots, width) belongs to the batch last looked up, ids int32 (batch, num_slots)."""
        self.steps += 1
        self.values[...] = self._step(ids, gradient * _present(ids), np.float32(learning_rate)).numpy()

    def settle(self, learning_rate: float) -> None:  # noqa: ARG002 # no row is ever left out
        """Note the end of an epoch."""
        self._epoch_end = self.values.copy()

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([], tf.float32)],
    )
    def _step(self, ids: Tensor, gradient: Tensor, learning_rate: Tensor) -> Tensor:
        self.optimizer.apply(Lookup(slot_rows(ids), gradient), gradient, learning_rate)
        return self.optimizer.embedding.fold()


def dense_optimizer(config: TrainingConfig, variables: list[Tensor]) -> UpdateRule:
    """What trains the variables beside the table."""
    return Adam(variables) if config.optimizer == "adam" else UpdateRule(config.optimizer, variables)


def table_optimizer(network: Network, config: TrainingConfig) -> TableByRows | TableDescent | TiedTable:
    """What trains a network's table: compiled loops of Adam or AdaGrad, unless another rule or an overparameterised form is asked for."""

    def make(table: np.ndarray, layout: FieldLayout) -> TableByRows | TableDescent:
        if config.overparameterisation != "none":
            product = OverparameterisedEmbedding(table, layout, network.dim, config.overparameterisation)
            return TableDescent(config.optimizer, product, config.l2)
        by_rows = {"adam": TableAdam, "adagrad": TableAdagrad}.get(config.optimizer)
        if by_rows is not None:
            return by_rows(table, config.l2, num_threads())
        return TableDescent(config.optimizer, PlainEmbedding(tf.Variable(table)), config.l2)

    table, layout = network.table.numpy(), network.layout
    return TiedTable(table, layout, make) if layout.vectors else make(table, layout)


def num_threads() -> int:
    """As many as TensorFlow's arithmetic has: those that were set, or one per core."""
    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count() or 1


def _present(ids: np.ndarray) -> np.ndarray:
    return (ids >= 0).astype(np.float32).reshape(-1, 1)
