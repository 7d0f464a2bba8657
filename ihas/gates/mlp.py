"""Gates that see the whole embedding through a hidden layer: a = relu(v W_1 + b_1) W_2 + b_2. Our choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from ihas.gates.form import Arrays, GateForm, GateShapes, GateSize, GateSums


@final
class MlpGate(GateForm):
    """A hidden layer of `gate_hidden` units, then one linear layer."""

    description = "the whole embedding through a hidden layer"

    def shapes(self, size: GateSize) -> GateShapes:
        return GateShapes(kernels=((size.width, size.hidden), (size.hidden, size.width)), biases=((size.hidden,), (size.width,)))

    def logits(self, values: np.ndarray, kernels: Arrays, biases: Arrays) -> np.ndarray:
        hidden = np.maximum(values @ kernels[0] + biases[0], 0.0)
        return np.asarray(hidden @ kernels[1] + biases[1])

    def tensor_logits(self, tf: Any, values: Any, kernels: Sequence[Any], biases: Sequence[Any]) -> Any:
        return tf.nn.relu(values @ kernels[0] + biases[0]) @ kernels[1] + biases[1]

    def sums(self, kernels: Arrays, biases: Arrays, order: np.ndarray) -> GateSums:
        kernel, bias = np.ascontiguousarray(kernels[1][:, order]), biases[1][order]
        return GateSums(kernels[0], biases[0], lambda sums: np.asarray(np.maximum(sums, 0.0, out=sums) @ kernel + bias))
