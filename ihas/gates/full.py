"""Gates that see the whole embedding: a = v W + b, W (N, N). Our choice; figure 1 of iHAS (Yu et al., CIKM 2023) leaves the form open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from ihas.gates.form import Arrays, GateForm, GateShapes, GateSize, GateSums


@final
class FullGate(GateForm):
    """One linear layer on the whole embedding."""

    description = "the whole embedding"

    def shapes(self, size: GateSize) -> GateShapes:
        return GateShapes(kernels=((size.width, size.width),), biases=((size.width,),))

    def logits(self, values: np.ndarray, kernels: Arrays, biases: Arrays) -> np.ndarray:
        return np.asarray(values @ kernels[0] + biases[0])

    def tensor_logits(self, tf: Any, values: Any, kernels: Sequence[Any], biases: Sequence[Any]) -> Any:  # noqa: ARG002
        return values @ kernels[0] + biases[0]

    def sums(self, kernels: Arrays, biases: Arrays, order: np.ndarray) -> GateSums:  # noqa: ARG002
        return GateSums(kernels[0], biases[0])
