"""IPNN, the inner-product network (Qu et al., ICDM 2016): hidden layers on the embedding and all inner products.

logit = w . hidden([e, (<e_f, e_g>)_{f<g}]) + b
"""

from __future__ import annotations

from typing import final

from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.interaction import inner_products, spread
from ihas.legacy_keras import tf
from ihas.models.backbone import KeptDims
from ihas.models.deep import Deep, DeepBackbone


@final
class IPNN(DeepBackbone):
    """Hidden layers that also see every pair's inner product."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.num_pairs = kept.num_fields * (kept.num_fields - 1) // 2
        self.deep = Deep(kept.num_kept + self.num_pairs, config, seed)

    def deep_inputs(self, values: Tensor) -> Tensor:
        return tf.concat([values, inner_products(spread(values, self.kept.mask))], axis=1)

    def multiply_adds(self) -> int:
        return self.num_pairs * int(self.kept.mask.shape[1]) + self.deep.multiply_adds()
