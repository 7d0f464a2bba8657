"""Wide & Deep (Cheng et al., DLRS 2016), the wide part without hand-made crosses.

logit = sum_f w_f + w . hidden(e) + b
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.backbone import KeptDims
from ihas.models.deep import Deep, DeepBackbone
from ihas.models.two_sided import deep_logits, first_layer, zeros
from ihas.models.two_sided_graph import SumsGraph


@final
class WideDeep(DeepBackbone):
    """First-order weights beside hidden layers."""

    uses_first_order: ClassVar[bool] = True

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.deep = Deep(kept.num_kept, config, seed)

    def beside(self, values: Tensor, first_order: Tensor | None) -> Tensor:  # noqa: ARG002
        return tf.reduce_sum(first_order, axis=1)

    def multiply_adds(self) -> int:
        return self.deep.multiply_adds()

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        kernel, bias = first_layer(weights)
        width = kernel.shape[1]
        graph = SumsGraph(width + 1)
        deep = deep_logits(graph, graph.columns(0, width), weights)
        graph_bytes = graph.finish(graph.node("Add", deep, graph.columns(width, width + 1)))
        return TwoSided(np.hstack([kernel, zeros(mask, 1)]), np.append(bias, np.float32(0)), False, graph_bytes)
