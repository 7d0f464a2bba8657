"""MLP: hidden layers on the concatenated embedding; the base model of iHAS (Yu et al., CIKM 2023, figure 1).

logit = w . hidden(e) + b
"""

from __future__ import annotations

from typing import final

from ihas.config import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import HiddenLayers, Weights, dense, dense_parts
from ihas.models.backbone import Backbone, KeptDims


@final
class MLP(Backbone):
    """Hidden layers, then one linear unit."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.hidden = HiddenLayers(kept.num_kept, config, seed)
        self.output = dense(1, seed + len(config.hidden))
        self.output.build((None, self.hidden.widths[-1]))

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.output(self.hidden(values, seed))[:, 0]

    def named_variables(self) -> dict[str, Tensor]:
        return self.hidden.named_variables() | {f"output/{part}": variable for part, variable in dense_parts(self.output)}

    def multiply_adds(self) -> int:
        return self.hidden.multiply_adds() + self.hidden.widths[-1]

    @classmethod
    def restrict(cls, weights: Weights, kept: KeptDims) -> Weights:
        first = "hidden_0/kernel" if "hidden_0/kernel" in weights else "output/kernel"
        return weights | {first: weights[first][kept.positions]}
