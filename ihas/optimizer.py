"""Adam (Kingma and Ba 2015, algorithm 1) for the variables beside the embedding table.

m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
"""

from __future__ import annotations

from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.table_kernels import BETA_1, BETA_2, EPSILON


class Adam(tf.Module):
    """State of the optimiser for some variables."""

    def __init__(self, variables: list[Tensor]) -> None:
        super().__init__("adam")
        self.variables_stepped = variables
        self.steps = tf.Variable(0.0, trainable=False)
        self.moments = [(_zeros_like(variable), _zeros_like(variable)) for variable in variables]

    def apply(self, gradients: list[Tensor], learning_rate: Tensor) -> None:
        """One step, within the graph; a gradient for each variable, in their order."""
        self.steps.assign_add(1.0)
        for variable, (first, second), gradient in zip(self.variables_stepped, self.moments, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=first.handle, v=second.handle,
                beta1_power=tf.pow(BETA_1, self.steps), beta2_power=tf.pow(BETA_2, self.steps),
                lr=learning_rate, beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON, grad=gradient, use_locking=True,
            )  # fmt: skip


def _zeros_like(variable: Tensor) -> Tensor:
    return tf.Variable(tf.zeros_like(variable), trainable=False)
