"""LR, logistic regression on the values of all fields.

logit = b + sum_f w_f
"""

from __future__ import annotations

from typing import ClassVar, final

from ihas.config import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims


@final
class LR(Backbone):
    """First-order weights alone; the embedding has no effect."""

    uses_first_order: ClassVar[bool] = True
    uses_embedding: ClassVar[bool] = False

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:  # noqa: ARG002  # nothing is drawn
        super().__init__(kept, config)
        self.bias = tf.Variable([0.0])

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.bias + tf.reduce_sum(first_order, axis=1)

    def named_variables(self) -> dict[str, Tensor]:
        return {"output/bias": self.bias}

    def multiply_adds(self) -> int:
        return 0

    @classmethod
    def restrict(cls, weights: Weights, kept: KeptDims) -> Weights:  # noqa: ARG003
        return dict(weights)
