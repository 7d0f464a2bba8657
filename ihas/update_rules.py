"""Update rules for an embedding and dense variables: SGD, AdaGrad, Adadelta, RMSprop and Adam, as TensorFlow's kernels compute them.

    sgd       w <- w - lr g
    adagrad   s <- s + g^2,                        w <- w - lr g / (sqrt(s) + eps)             Duchi et al. 2011
    rmsprop   s <- .9 s + .1 g^2,                  w <- w - lr g / sqrt(s + eps)               Tieleman and Hinton 2012
    adadelta  s <- .95 s + .05 g^2,                w <- w - lr g sqrt(u + eps) / sqrt(s + eps),
              u <- .95 u + .05 (the step / lr)^2                                               Zeiler 2012
    adam      as in `ihas.optimizer`

eps = 1e-7, every state starts at zero. The whole table is updated at each step, whatever its size: a step costs the vocabulary.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ihas.config import TrainingConfig
from ihas.layers.embedding import Lookup, Tensor, slot_rows
from ihas.layers.overparameterisation import Embedding, OverparameterisedEmbedding, PlainEmbedding
from ihas.legacy_keras import tf
from ihas.models.network import Network
from ihas.optimizer import Adam
from ihas.table_optimizer import TableAdam

Rule = Literal["sgd", "adagrad", "adadelta", "rmsprop", "adam"]
EPSILON = 1e-7
NUM_STATES: dict[Rule, int] = {"sgd": 0, "adagrad": 1, "adadelta": 2, "rmsprop": 2, "adam": 2}


class UpdateRule(tf.Module):
    """One rule with its state for some variables."""

    def __init__(self, rule: Rule, variables: list[Tensor]) -> None:
        super().__init__(rule)
        self.rule, self.changed = rule, variables
        self.steps = tf.Variable(0.0, trainable=False)
        self.states = [[tf.Variable(tf.zeros_like(variable), trainable=False) for _ in range(NUM_STATES[rule])] for variable in variables]

    def apply(self, gradients: list[Tensor], learning_rate: Tensor) -> None:
        """One step of every variable."""
        self.steps.assign_add(1.0)
        for variable, states, gradient in zip(self.changed, self.states, gradients, strict=True):
            self._apply(variable.handle, [state.handle for state in states], gradient, tf.cast(learning_rate, gradient.dtype))

    def _apply(self, var: Tensor, states: list[Tensor], grad: Tensor, lr: Tensor) -> None:
        ops, dtype = tf.raw_ops, grad.dtype
        eps = tf.constant(EPSILON, dtype)
        if self.rule == "sgd":
            ops.ResourceApplyGradientDescent(var=var, alpha=lr, delta=grad)
        elif self.rule == "adagrad":
            ops.ResourceApplyAdagradV2(var=var, accum=states[0], lr=lr, epsilon=eps, grad=grad)
        elif self.rule == "rmsprop":
            decay, momentum = tf.constant(0.9, dtype), tf.constant(0.0, dtype)
            ops.ResourceApplyRMSProp(var=var, ms=states[0], mom=states[1], lr=lr, rho=decay, momentum=momentum, epsilon=eps, grad=grad)
        elif self.rule == "adadelta":
            rho = tf.constant(0.95, dtype)
            ops.ResourceApplyAdadelta(var=var, accum=states[0], accum_update=states[1], lr=lr, rho=rho, epsilon=eps, grad=grad)
        else:
            first, second = tf.constant(0.9, dtype), tf.constant(0.999, dtype)
            powers = {f"beta{i}_power": tf.pow(beta, tf.cast(self.steps, dtype)) for i, beta in ((1, first), (2, second))}
            ops.ResourceApplyAdam(
                var=var, m=states[0], v=states[1], **powers, lr=lr, beta1=first, beta2=second, epsilon=eps, grad=grad
            )  # fmt: skip


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
    """A table while it is trained by any rule, plain or as a product; answers the calls of `ihas.table_optimizer.TableAdam`.

    Attributes:
        values: float32 (num_rows, width). The folded table; where it is set from outside between epochs, factors start again from it.
        steps: steps done.
    """

    def __init__(self, rule: Rule, embedding: Embedding, table_l2: float) -> None:
        self.optimizer, self.steps = EmbeddingOptimizer(rule, embedding, table_l2), 0
        self.values = embedding.fold().numpy().copy()
        self._settled: np.ndarray | None = self.values.copy()

    def look_up(self, ids: np.ndarray, learning_rate: float) -> np.ndarray:  # noqa: ARG002 # TableAdam's needs it
        """Rows that ids int32 (batch, num_slots) read: float32 (batch * num_slots, width), zeros for padding."""
        if self._settled is not None and not np.array_equal(self._settled, self.values):
            self.optimizer.embedding.start_at(self.values)
        self._settled = None
        return np.asarray(self.values[np.maximum(ids, 0).reshape(-1)] * _present(ids))

    def apply(self, ids: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """One step: `gradient` float32 (batch * num_slots, width) belongs to the batch last looked up, ids int32 (batch, num_slots)."""
        self.steps += 1
        self.values[...] = self._step(ids, gradient * _present(ids), np.float32(learning_rate)).numpy()

    def settle(self, learning_rate: float) -> None:  # noqa: ARG002 # no row is ever left out
        """Note the end of an epoch."""
        self._settled = self.values.copy()

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([], tf.float32)]
    )
    def _step(self, ids: Tensor, gradient: Tensor, learning_rate: Tensor) -> Tensor:
        self.optimizer.apply(Lookup(slot_rows(ids), gradient), gradient, learning_rate)
        return self.optimizer.embedding.fold()


def dense_optimizer(config: TrainingConfig, variables: list[Tensor]) -> Adam | UpdateRule:
    """What trains the variables beside the table."""
    return Adam(variables) if config.optimizer == "adam" else UpdateRule(config.optimizer, variables)


def table_optimizer(network: Network, config: TrainingConfig) -> TableAdam | TableDescent:
    """What trains a network's table: Adam's compiled loops, unless another rule or an overparameterised form is asked for."""
    if config.overparameterisation != "none":
        product = OverparameterisedEmbedding(network.table.numpy(), network.layout, network.dim, config.overparameterisation)
        return TableDescent(config.optimizer, product, config.l2)
    if config.optimizer == "adam":
        return TableAdam(network.table.numpy(), config.l2)
    return TableDescent(config.optimizer, PlainEmbedding(tf.Variable(network.table)), config.l2)


def _present(ids: np.ndarray) -> np.ndarray:
    return (ids >= 0).astype(np.float32).reshape(-1, 1)
