"""Matrix factorisation of ratings, with a plain or an overparameterised embedding.

    r_ui = mu + b_u + b_i + p_u . q_i,     L = mean (r - r_ui)^2 / 2 + l2 / 2 (|p|^2 + |q|^2 + |b|^2)

mu is the training rows' mean. Users and items are two fields of one table, whose last column holds the biases.
Source: Koren, Bell and Volinsky 2009, equation 5, in which l2 counts once a rating; here it counts once a step for every row (our choice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.training import TrainingConfig
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Tensor
from ihas.layers.overparameterisation import Embedding, OverparameterisedEmbedding, PlainEmbedding
from ihas.legacy_keras import tf
from ihas.optim.update_rules import EmbeddingOptimizer
from ihas.training.trainer import batch_size_for

INITIAL_DEVIATION = 0.1


@dataclass(frozen=True)
class Ratings:
    """Ratings of items by users.

    Attributes:
        layout: users and items, in this order.
        ids: int32 (rows, 2). Table rows of user and item.
        values: float32 (rows,). The ratings.
    """

    layout: FieldLayout
    ids: np.ndarray
    values: np.ndarray

    def take(self, chosen: np.ndarray) -> Ratings:
        """The chosen rows: bool (rows,) or int (n,)."""
        return Ratings(self.layout, self.ids[chosen], self.values[chosen])


@dataclass(frozen=True)
class Factorisation:
    """A trained model, plain whatever it was trained as.

    Attributes:
        mean: mu.
        table: float32 (num_rows, dim + 1). p_u and b_u, q_i and b_i.
    """

    mean: float
    table: np.ndarray

    def predict(self, ids: np.ndarray) -> np.ndarray:
        """Ratings float32 (rows,): ids int32 (rows, 2)."""
        user, item = self.table[ids[:, 0]], self.table[ids[:, 1]]
        return np.asarray(self.mean + user[:, -1] + item[:, -1] + (user[:, :-1] * item[:, :-1]).sum(axis=1))

    def root_mean_squared_error(self, ratings: Ratings) -> float:
        """sqrt(mean (r - r_ui)^2)."""
        return float(np.sqrt(np.mean((ratings.values - self.predict(ratings.ids)) ** 2)))


class FactorisationTrainer(tf.Module):
    """Trains a matrix factorisation, an epoch in the graph."""

    def __init__(self, train: Ratings, config: TrainingConfig, rng: np.random.Generator) -> None:
        """
        Args:
            train: ratings to learn from.
            config: dimensions, batch size, L2 weight, update rule and overparameterisation.
            rng: draws the initial table and the order of the ratings.
        """
        super().__init__("factorisation")
        self.train, self.config, self.rng = train, config, rng
        self.mean = float(train.values.mean())
        start = rng.normal(0.0, INITIAL_DEVIATION, (train.layout.num_rows, config.embedding_dim + 1)).astype(np.float32)
        start[:, -1] = 0.0
        self.embedding: Embedding = PlainEmbedding(tf.Variable(start))
        if config.overparameterisation != "none":
            self.embedding = OverparameterisedEmbedding(start, train.layout, config.embedding_dim, config.overparameterisation)
        self.optimizer = EmbeddingOptimizer(config.optimizer, self.embedding, config.embedding_l2 or 0.0)

    def run(self, chosen: np.ndarray) -> None:
        """Steps over the chosen training rows, int (n,), in the given order."""
        size = self.config.batch_size or batch_size_for(len(self.train.values))
        self._steps(self.train.ids[chosen], self.train.values[chosen], np.int32(size), np.float32(self.config.rate))

    def folded(self) -> Factorisation:
        """The model as it stands."""
        return Factorisation(self.mean, self.embedding.fold().numpy())

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([None], tf.float32),
            tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32),
        ]
    )  # fmt: skip
    def _steps(self, ids: Tensor, values: Tensor, size: Tensor, learning_rate: Tensor) -> None:
        def body(start: Tensor) -> tuple[Tensor]:
            rows = slice(start, start + size)
            self._step(ids[rows], values[rows], learning_rate)
            return (start + size,)

        tf.while_loop(lambda start: start < tf.size(values), body, (tf.constant(0),))

    def _step(self, ids: Tensor, values: Tensor, learning_rate: Tensor) -> None:
        found = self.embedding.look_up(ids)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(found.values)
            pairs = tf.reshape(found.values, [-1, 2, self.config.embedding_dim + 1])
            user, item = pairs[:, 0], pairs[:, 1]
            predicted = self.mean + user[:, -1] + item[:, -1] + tf.reduce_sum(user[:, :-1] * item[:, :-1], axis=1)
            loss = tf.reduce_mean(tf.square(values - predicted)) / 2.0
        self.optimizer.apply(found, tape.gradient(loss, found.values), learning_rate)
