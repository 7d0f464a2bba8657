"""What a form of gate is: from the standardised embedding to one logit for each of its elements.

v = (e - mean) / scale      standardised embedding, N = num_fields * dim elements, fields in order
a = logits(v)               gate logits; this is what a form decides
z = 1[a > 0]                open gates
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, ...]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class GateSize:
    """Sizes that the shapes of a form's parameters follow from.

    Attributes:
        num_fields: fields of a row.
        dim: dimensions of each field's embedding.
        hidden: hidden units, for a form that has them.
    """

    num_fields: int
    dim: int
    hidden: int = 0

    @property
    def width(self) -> int:
        """Elements of the concatenated embedding, N."""
        return self.num_fields * self.dim


@dataclass(frozen=True)
class GateShapes:
    """Shapes of a form's parameters.

    Attributes:
        kernels: of each kernel, two dimensions or more; they start from small uniform draws.
        biases: of each bias. The last one, (N,), is added to the logits and starts so that gates are open; the others start from 0.
    """

    kernels: Shapes
    biases: Shapes


@dataclass(frozen=True)
class GateSums:
    """A form whose arithmetic begins with sums over elements: a = rest(v @ kernel + bias).

    Attributes:
        kernel: float32 (N, width).
        bias: float32 (width,).
        rest: sums float32 (rows, width), which it may overwrite, to logits (rows, N); None where the sums are the logits.
    """

    kernel: np.ndarray
    bias: np.ndarray
    rest: Callable[[np.ndarray], np.ndarray] | None = None


def elements_of(fields: Sequence[int], dim: int) -> np.ndarray:
    """Elements of some fields in the concatenated embedding: int64 (len(fields) * dim,)."""
    return np.asarray(np.asarray(fields, np.int64)[:, None] * dim + np.arange(dim)).reshape(-1)


class GateForm(ABC):
    """One form of gate; it has no state. Laws, tested for every form in tests/contracts/gate_form.py: TensorFlow and NumPy
    agree, and what `sums` and `restrict` give agrees with `logits`."""

    description: str
    """What a gate sees, in a few words."""

    @abstractmethod
    def shapes(self, size: GateSize) -> GateShapes:
        """Shapes of kernels and biases."""

    @abstractmethod
    def logits(self, values: np.ndarray, kernels: Arrays, biases: Arrays) -> np.ndarray:
        """Gate logits of standardised embeddings, in NumPy: float32 (rows, N) -> (rows, N)."""

    @abstractmethod
    def tensor_logits(self, tf: Any, values: Any, kernels: Sequence[Any], biases: Sequence[Any]) -> Any:
        """The same in TensorFlow, where gates are learnt.

        Args:
            tf: the TensorFlow module. A form does not import it, because a server reads forms too and has none.
            values: float32 (batch, N).
            kernels, biases: the trainable parameters.
        """

    def hidden_units(self, biases: Arrays) -> int:
        """`GateSize.hidden` of stored parameters; without an override, the length of the first bias."""
        return len(biases[0]) if biases and biases[0].ndim == 1 else 0

    def restrict(self, kernels: Arrays, biases: Arrays, fields: Sequence[int], dim: int) -> tuple[Arrays, Arrays] | None:  # noqa: ARG002
        """Parameters of the gates of some fields that read these fields alone; None, as here, where a gate sees other fields."""
        return None

    def sums(self, kernels: Arrays, biases: Arrays, order: np.ndarray) -> GateSums | None:  # noqa: ARG002
        """The form as sums and what follows; None, as here, where it does not begin with sums, and then candidates take longer.

        Args:
            kernels, biases: the parameters.
            order: int64 (N,). Elements in the order in which `rest` gives the logits; the sums themselves are in the model's order.
        """
        return None

    def multiply_adds(self, kernels: Arrays) -> int:
        """Multiply-adds of one row; without an override, one for each number of the kernels."""
        return sum(kernel.size for kernel in kernels)
