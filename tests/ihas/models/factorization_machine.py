"""A factorisation machine: a backbone with first-order weights and products, to test that the interface carries them.

logit = b + sum_f w_f + 1/2 sum_d ((sum_f e_fd)^2 - sum_f e_fd^2)            (Rendle, ICDM 2010, equations 1 and 3)
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from ihas.config import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims


@final
class FactorizationMachine(Backbone):
    """First-order weights, and products of the same dimension of any two fields."""

    uses_first_order: ClassVar[bool] = True

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.bias = tf.Variable([0.0])
        dim = kept.mask.shape[1]
        self.dim_of = np.eye(dim, dtype=np.float32)[kept.positions % dim]  # (num_kept, dim)

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        sums = values @ self.dim_of  # (batch, dim)
        products = tf.reduce_sum(tf.square(sums), axis=1) - tf.reduce_sum(tf.square(values), axis=1)
        return self.bias + tf.reduce_sum(first_order, axis=1) + 0.5 * products

    def named_variables(self) -> dict[str, Tensor]:
        return {"output/bias": self.bias}

    def multiply_adds(self) -> int:
        return self.kept.num_kept + int(self.kept.mask.shape[1])

    @classmethod
    def restrict(cls, weights: Weights, kept: KeptDims) -> Weights:
        return dict(weights)
