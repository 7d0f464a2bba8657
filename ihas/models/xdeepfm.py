"""xDeepFM (Lian et al., KDD 2018, equations 6 and 8): a compressed interaction network beside the parts of DeepFM.

X^k_hd = sum_ij W^k_hij X^{k-1}_id X^0_jd,   X^0 = e as (fields, dim)
logit = sum_f w_f + v . [sum_d X^1_hd, sum_d X^2_hd, ...] + w . hidden(e) + b
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights, glorot
from ihas.layers.interaction import spread
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.deep import Deep, restrict_first_layer


@final
class XDeepFM(Backbone):
    """First-order weights, explicit products of growing order, and hidden layers."""

    uses_first_order: ClassVar[bool] = True

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.deep = Deep(kept.num_kept, config, seed)
        rng = np.random.default_rng(seed)
        inputs = (kept.num_fields, *config.cin_maps)
        shapes = [(before * kept.num_fields, maps) for before, maps in zip(inputs, config.cin_maps, strict=False)]
        self.kernels = [tf.Variable(glorot(rng, shape), name=f"cin_{k}") for k, shape in enumerate(shapes)]
        self.pooled = tf.Variable(glorot(rng, (sum(config.cin_maps), 1)), name="pooled")

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        fields = tf.transpose(spread(values, self.kept.mask), [0, 2, 1])  # (batch, dim, num_fields)
        maps, sums = fields, []
        for kernel in self.kernels:
            products = maps[..., :, None] * fields[..., None, :]  # (batch, dim, maps, num_fields)
            maps = tf.reshape(products, [-1, fields.shape[1], kernel.shape[0]]) @ kernel
            sums.append(tf.reduce_sum(maps, axis=1))
        explicit = (tf.concat(sums, axis=1) @ self.pooled)[:, 0]
        return tf.reduce_sum(first_order, axis=1) + explicit + self.deep(values, seed)

    def named_variables(self) -> dict[str, Tensor]:
        kernels = {f"cin_{k}/kernel": kernel for k, kernel in enumerate(self.kernels)}
        return self.deep.named_variables() | kernels | {"pooled/kernel": self.pooled}

    def multiply_adds(self) -> int:
        dim = int(self.kept.mask.shape[1])
        explicit = sum(dim * int(kernel.shape[0]) * (1 + int(kernel.shape[1])) for kernel in self.kernels)
        return explicit + int(self.pooled.shape[0]) + self.deep.multiply_adds()

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        return restrict_first_layer(weights, kept)
