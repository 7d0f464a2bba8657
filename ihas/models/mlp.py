"""MLP: hidden layers on the concatenated embedding; the base model of iHAS (Yu et al., CIKM 2023, figure 1).

logit = w . hidden(e) + b
"""

from __future__ import annotations

from typing import final

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.hidden import Weights
from ihas.models.backbone import KeptDims
from ihas.models.deep import Deep, DeepBackbone
from ihas.models.two_sided import deep_two_sided


@final
class MLP(DeepBackbone):
    """Hidden layers, then one linear unit."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.deep = Deep(kept.num_kept, config, seed)

    def multiply_adds(self) -> int:
        return self.deep.multiply_adds()

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        return deep_two_sided(weights)
