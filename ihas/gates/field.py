"""Gates that see their own field only: a_f = v_f W_f + b_f, a kernel (dim, dim) for each field. Our choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from ihas.gates.form import Arrays, GateForm, GateShapes, GateSize, GateSums, elements_of


@final
class FieldGate(GateForm):
    """One linear layer for each field."""

    description = "its own field"

    def shapes(self, size: GateSize) -> GateShapes:
        return GateShapes(kernels=((size.num_fields, size.dim, size.dim),), biases=((size.width,),))

    def logits(self, values: np.ndarray, kernels: Arrays, biases: Arrays) -> np.ndarray:
        num_fields, dim, _ = kernels[0].shape
        blocks = values.reshape(-1, num_fields, dim).transpose(1, 0, 2) @ kernels[0]  # (fields, rows, dim)
        return np.asarray(blocks.transpose(1, 0, 2).reshape(values.shape) + biases[0])

    def tensor_logits(self, tf: Any, values: Any, kernels: Sequence[Any], biases: Sequence[Any]) -> Any:
        num_fields, dim, _ = kernels[0].shape
        blocks = tf.reshape(values, [-1, num_fields, dim])
        return tf.reshape(tf.einsum("bfd,fde->bfe", blocks, kernels[0]), tf.shape(values)) + biases[0]

    def restrict(self, kernels: Arrays, biases: Arrays, fields: Sequence[int], dim: int) -> tuple[Arrays, Arrays]:
        return (kernels[0][list(fields)],), (biases[0][elements_of(fields, dim)],)

    def sums(self, kernels: Arrays, biases: Arrays, order: np.ndarray) -> GateSums:  # noqa: ARG002
        num_fields, dim, _ = kernels[0].shape
        dense = np.zeros((num_fields, dim, num_fields, dim), np.float32)
        dense[np.arange(num_fields), :, np.arange(num_fields), :] = kernels[0]  # the blocks on the diagonal
        return GateSums(dense.reshape(num_fields * dim, num_fields * dim), biases[0])
