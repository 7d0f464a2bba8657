"""The gate logits of a context with each of many items, from what is known of every item beforehand.

    a = rest(v @ W + b),   v @ W = v_context @ W_context + v_item @ W_item      a form that begins with sums
    a = logits(v)                                                               any other form, whole row by whole row

The standardisation v = (e - mean) / scale is folded into W and b.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ihas.gates.form import GateSums
from ihas.gates.registry import GATE_FORMS
from ihas.routing.router import Gates


class CandidateGates(Protocol):
    """Gates in two parts.

    Attributes:
        multiply_adds: of a candidate, where whole rows are put together.
    """

    multiply_adds: int

    def of_items(self, embedded: np.ndarray) -> np.ndarray:
        """What is kept of items: embedding float32 (rows, elements of the item fields) -> (rows, width)."""

    def context(self, embedded: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Gate logits of a context, float32 (1, elements of the context fields), with items.

        Returns:
            what is kept of items, float32 (rows, width), which it may overwrite, to logits (rows, N), the context's elements first.
        """


def candidate_gates(gates: Gates, context: np.ndarray, items: np.ndarray) -> CandidateGates:
    """The gates in two parts: int64 elements of the context fields, and of the item fields."""
    order = np.concatenate([context, items])
    sums = GATE_FORMS[gates.form].sums(gates.kernels, gates.biases, order)
    return _WholeRows(gates, context, items) if sums is None else _Sums(gates, sums, context, items)


class _Sums:
    """The first sums are added, the rest is done for each candidate."""

    multiply_adds = 0

    def __init__(self, gates: Gates, sums: GateSums, context: np.ndarray, items: np.ndarray) -> None:
        kernel = sums.kernel / gates.scale[:, None]
        bias = sums.bias - (gates.mean @ kernel)
        if sums.rest is None:
            order = np.concatenate([context, items])
            kernel, bias = kernel[:, order], bias[order]
        self._of_context, self._of_items = (np.ascontiguousarray(kernel[columns]) for columns in (context, items))
        self._bias, self._rest = np.asarray(bias, np.float32), sums.rest

    def of_items(self, embedded: np.ndarray) -> np.ndarray:
        return np.asarray(embedded @ self._of_items)

    def context(self, embedded: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        own, rest = (embedded @ self._of_context)[0] + self._bias, self._rest

        def logits(of_items: np.ndarray) -> np.ndarray:
            of_items += own
            return of_items if rest is None else rest(of_items)

        return logits


class _WholeRows:
    """Whole rows are put together for a form that does not begin with sums."""

    def __init__(self, gates: Gates, context: np.ndarray, items: np.ndarray) -> None:
        self._gates, self._context, self._items = gates, context, items
        self._order, self.multiply_adds = np.concatenate([context, items]), gates.multiply_adds

    def of_items(self, embedded: np.ndarray) -> np.ndarray:
        return embedded

    def context(self, embedded: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        def logits(of_items: np.ndarray) -> np.ndarray:
            rows = np.empty((len(of_items), len(self._order)), np.float32)
            rows[:, self._context], rows[:, self._items] = embedded, of_items
            return np.ascontiguousarray(self._gates.logits(rows)[:, self._order])

        return logits
