"""LR, logistic regression on the values of all fields, the weight of a value being the sum of its embedding.

logit = b + sum_fd e_fd

With one dimension that is logistic regression as it is always written; with more, its weights are overparameterised.
"""

from __future__ import annotations

from typing import final

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.two_sided_graph import SumsGraph


@final
class LR(Backbone):
    """The sum of all values that are kept."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:  # noqa: ARG002  # nothing is drawn
        super().__init__(kept, config)
        self.bias = tf.Variable([0.0])

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.bias + tf.reduce_sum(values, axis=1)

    def named_variables(self) -> dict[str, Tensor]:
        return {"output/bias": self.bias}

    def multiply_adds(self) -> int:
        return self.kept.num_kept  # it has nothing but this sum, and a cost of 0 would compare with nothing

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:  # noqa: ARG002
        return dict(weights)

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        return TwoSided(np.ones((int(mask.sum()), 1), np.float32), weights["output/bias"], False, SumsGraph(1).finish("sums"))
