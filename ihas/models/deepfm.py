"""DeepFM (Guo et al., IJCAI 2017, equations 1 to 4): a factorisation machine and hidden layers on one embedding.

logit = sum_f w_f + sum_{f<g} <e_f, e_g> + w . hidden(e) + b
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
from ihas.models.backbone import KeptDims
from ihas.models.deep import Deep, DeepBackbone
from ihas.models.two_sided import deep_logits, field_sums, first_layer, zeros
from ihas.models.two_sided_graph import SumsGraph


@final
class DeepFM(DeepBackbone):
    """First-order weights, inner products and hidden layers."""

    uses_first_order: ClassVar[bool] = True

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.deep = Deep(kept.num_kept, config, seed)

    def beside(self, values: Tensor, first_order: Tensor | None) -> Tensor:
        return tf.reduce_sum(first_order, axis=1) + factorization(spread(values, self.kept.mask))

    def multiply_adds(self) -> int:
        return self.kept.num_kept + int(self.kept.mask.shape[1]) + self.deep.multiply_adds()

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        (kernel, bias), dim = first_layer(weights), mask.shape[1]
        width = kernel.shape[1]
        graph = SumsGraph(width + dim + 1)
        deep = deep_logits(graph, graph.columns(0, width), weights)
        pairs = graph.half_square(graph.columns(width, width + dim))
        logits = graph.node("Add", graph.node("Add", deep, pairs), graph.columns(width + dim, width + dim + 1))
        bias = np.append(bias, np.zeros(dim + 1, np.float32))
        return TwoSided(np.hstack([kernel, field_sums(mask), zeros(mask, 1)]), bias, True, graph.finish(logits))
