"""Adam (Kingma and Ba 2015, algorithm 1) for the dense variables and for the embedding table.

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)

A gradient is summed over a row's occurrences in the batch before it is squared. A table of up to `DENSE_ROWS` rows is
updated whole; a larger one only at the rows of the batch (lazy Adam), which costs the batch and not the vocabulary.
"""

from __future__ import annotations

from ihas.layers.embedding import Lookup, Tensor
from ihas.legacy_keras import tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
DENSE_ROWS = 200_000


class Adam(tf.Module):
    """State of the optimiser for one network."""

    def __init__(self, table: Tensor, dense: list[Tensor], table_l2: float) -> None:
        super().__init__("adam")
        self.table, self.dense, self.table_l2 = table, dense, table_l2
        self.steps = tf.Variable(0.0, trainable=False)
        self.moments = [(_zeros_like(variable), _zeros_like(variable)) for variable in (table, *dense)]

    def apply(self, found: Lookup, table_gradient: Tensor, gradients: list[Tensor], learning_rate: Tensor) -> None:
        """One step: `table_gradient` belongs to `found.values`, `gradients` to the dense variables."""
        self.apply_dense(gradients, learning_rate)
        table_gradient = tf.convert_to_tensor(table_gradient)  # sums the occurrences of each row
        if self.table.shape[0] <= DENSE_ROWS:
            scattered = tf.scatter_nd(found.rows[:, None], table_gradient, self.table.shape)
            self._apply_dense(self.table, self.moments[0], scattered + self.table_l2 * self.table, learning_rate)
        else:
            self._apply_rows(found, table_gradient + self.table_l2 * found.values, learning_rate)

    def apply_dense(self, gradients: list[Tensor], learning_rate: Tensor) -> None:
        """One step of the dense variables alone."""
        self.steps.assign_add(1.0)
        for variable, moments, gradient in zip(self.dense, self.moments[1:], gradients, strict=True):
            self._apply_dense(variable, moments, gradient, learning_rate)

    def _apply_dense(self, variable: Tensor, moments: tuple[Tensor, Tensor], gradient: Tensor, learning_rate: Tensor) -> None:
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=moments[0].handle, v=moments[1].handle,
            beta1_power=tf.pow(BETA_1, self.steps), beta2_power=tf.pow(BETA_2, self.steps),
            lr=learning_rate, beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON, grad=gradient, use_locking=True,
        )  # fmt: skip

    def _apply_rows(self, found: Lookup, gradient: Tensor, learning_rate: Tensor) -> None:
        first, second = self.moments[0]
        m = BETA_1 * tf.gather(first, found.rows) + (1.0 - BETA_1) * gradient
        v = BETA_2 * tf.gather(second, found.rows) + (1.0 - BETA_2) * tf.square(gradient)
        rate = learning_rate * tf.sqrt(1.0 - tf.pow(BETA_2, self.steps)) / (1.0 - tf.pow(BETA_1, self.steps))
        first.scatter_update(tf.IndexedSlices(m, found.rows))
        second.scatter_update(tf.IndexedSlices(v, found.rows))
        self.table.scatter_sub(tf.IndexedSlices(rate * m / (tf.sqrt(v) + EPSILON), found.rows))


def _zeros_like(variable: Tensor) -> Tensor:
    return tf.Variable(tf.zeros_like(variable), trainable=False)
