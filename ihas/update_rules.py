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

from ihas.config import TrainingConfig
from ihas.layers.embedding import Lookup, Tensor
from ihas.layers.overparameterisation import Embedding, OverparameterisedEmbedding, PlainEmbedding
from ihas.legacy_keras import tf
from ihas.models.network import Network
from ihas.optimizer import Adam

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
    """Changes an embedding by one rule, and dense variables with it; answers the calls of `ihas.optimizer.Adam`."""

    def __init__(self, rule: Rule, embedding: Embedding, dense: list[Tensor], table_l2: float, folded: Tensor | None = None) -> None:
        """
        Args:
            rule: how variables follow their gradients.
            embedding: plain or overparameterised.
            dense: the other variables.
            table_l2: weight of half the squared norm of the folded table in the loss, so that the objective is the plain table's.
            folded: variable that is kept equal to the folded table; None where the embedding itself is read.
        """
        super().__init__("embedding_optimizer")
        self.embedding, self.dense, self.table_l2, self.folded = embedding, dense, table_l2, folded
        self.rule = UpdateRule(rule, [*embedding.factors, *dense])

    def apply(self, found: Lookup, table_gradient: Tensor, gradients: list[Tensor], learning_rate: Tensor) -> None:
        """One step: `table_gradient` belongs to `found.values`, `gradients` to the dense variables."""
        table = self.embedding.fold()
        gradient = tf.scatter_nd(found.rows[:, None], tf.convert_to_tensor(table_gradient), table.shape) + self.table_l2 * table
        self.rule.apply([*self.embedding.pull_back(gradient), *gradients], learning_rate)
        if self.folded is not None:
            self.folded.assign(self.embedding.fold())

    @property
    def steps(self) -> Tensor:
        """Steps taken."""
        return self.rule.steps


def optimizer_for(network: Network, config: TrainingConfig, table_l2: float) -> Adam | EmbeddingOptimizer:
    """What trains a network under the given settings: its table is the plain one before, between and after all steps."""
    if config.optimizer == "adam" and config.overparameterisation == "none":
        return Adam(network.table, network.dense_variables, table_l2)
    if config.overparameterisation == "none":
        return EmbeddingOptimizer(config.optimizer, PlainEmbedding(network.table), network.dense_variables, table_l2)
    embedding = OverparameterisedEmbedding(network.table.numpy(), network.layout, network.dim, config.overparameterisation)
    return EmbeddingOptimizer(config.optimizer, embedding, network.dense_variables, table_l2, network.table)


def start_from_folded(optimizer: Adam | EmbeddingOptimizer) -> None:
    """Take the network's present table for an overparameterised embedding's, with neutral factors."""
    if isinstance(optimizer, EmbeddingOptimizer) and isinstance(optimizer.embedding, OverparameterisedEmbedding):
        optimizer.embedding.start_at(optimizer.folded)
