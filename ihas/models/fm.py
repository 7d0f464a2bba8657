"""Factorisation machine (Rendle, ICDM 2010, equations 1 and 3).

logit = b + sum_f w_f + sum_{f<g} <e_f, e_g>
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.layers.interaction import factorization, spread
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.two_sided import field_sums, zeros
from ihas.models.two_sided_graph import SumsGraph


@final
class FM(Backbone):
    """First-order weights and inner products."""

    uses_first_order: ClassVar[bool] = True

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:  # noqa: ARG002  # nothing is drawn
        super().__init__(kept, config)
        self.bias = tf.Variable([0.0])

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.bias + tf.reduce_sum(first_order, axis=1) + factorization(spread(values, self.kept.mask))

    def named_variables(self) -> dict[str, Tensor]:
        return {"output/bias": self.bias}

    def multiply_adds(self) -> int:
        return self.kept.num_kept + int(self.kept.mask.shape[1])

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:  # noqa: ARG002
        return dict(weights)

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        dim = mask.shape[1]
        graph = SumsGraph(dim + 1)
        logits = graph.node("Add", graph.half_square(graph.columns(0, dim)), graph.columns(dim, dim + 1))
        bias = np.append(np.zeros(dim, np.float32), weights["output/bias"])
        return TwoSided(np.hstack([field_sums(mask), zeros(mask, 1)]), bias, True, graph.finish(logits))
