"""AutoInt+ (Song et al., CIKM 2019, equations 5 to 9): self-attention between fields beside hidden layers.

logit = v . [y_1, ..., y_F] + w . hidden(e) + b,   y = attention(... attention(e as (fields, dim)))

Without hidden layers this is AutoInt: logit = v . [y_1, ..., y_F] + b.
"""

from __future__ import annotations

from typing import final

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.layers.attention import FieldAttention
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights, glorot
from ihas.layers.interaction import spread
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.deep import Deep, restrict_first_layer


@final
class AutoInt(Backbone):
    """Attention layers, and hidden layers where there are any."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        rng, width = np.random.default_rng(seed), config.attention_dim
        inputs = [int(kept.mask.shape[1])] + [width] * (config.num_attention_layers - 1)
        self.attention = [FieldAttention(before, width, config.attention_heads, rng) for before in inputs]
        self.pooled = tf.Variable(glorot(rng, (kept.num_fields * width, 1)), name="pooled")
        self.deep = Deep(kept.num_kept, config, seed) if config.hidden else None
        self.bias = None if config.hidden else tf.Variable([0.0], name="bias")

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        fields = spread(values, self.kept.mask)
        for layer in self.attention:
            fields = layer(fields)
        explicit = (tf.reshape(fields, [-1, self.pooled.shape[0]]) @ self.pooled)[:, 0]
        return explicit + (self.bias if self.deep is None else self.deep(values, seed))

    def named_variables(self) -> dict[str, Tensor]:
        named = {f"attention_{i}/{name}": kernel for i, layer in enumerate(self.attention) for name, kernel in layer.kernels.items()}
        rest = {"output/bias": self.bias} if self.deep is None else self.deep.named_variables()
        return named | {"pooled/kernel": self.pooled} | rest

    def multiply_adds(self) -> int:
        explicit = sum(layer.multiply_adds(self.kept.num_fields) for layer in self.attention) + int(self.pooled.shape[0])
        return explicit + (0 if self.deep is None else self.deep.multiply_adds())

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        return restrict_first_layer(weights, kept) if "hidden_0/kernel" in weights else dict(weights)
