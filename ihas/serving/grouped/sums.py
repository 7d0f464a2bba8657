"""What some fields, the context's or the item's, add to the sums of a group model's two-sided arithmetic.

    sums = [values] @ kernel[rows of the fields] (+ first-order weights, - half the squares, in the last column)

The bias belongs to neither and is added once, with the context.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.bundle.values import ExportedModel, TwoSided
from ihas.data.layout import FieldLayout
from ihas.routing.router import embed
from ihas.serving.grouped.gather import Gather


class FieldSums:
    """From the ids of some fields to their part of the sums."""

    def __init__(self, model: ExportedModel, two_sided: TwoSided, layout: FieldLayout, fields: Sequence[int]) -> None:
        """
        Args:
            model: the model.
            two_sided: its arithmetic in two.
            layout: where all fields lie.
            fields: positions of the fields that are read, ascending.
        """
        self._gather = Gather(model.table, model.mask, layout, fields, model.held)
        self._kernel = np.ascontiguousarray(two_sided.kernel[np.isin(np.nonzero(model.mask)[0], fields)])
        self._first_order = None if model.first_order is None else model.first_order[:, None]
        self._squares = two_sided.squares

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """int32 (rows, slots of the fields) -> float32 (rows, width), an array of its own."""
        values = self._gather(ids)
        sums = values @ self._kernel
        if self._first_order is not None:
            sums[:, -1] += embed(ids, self._first_order, self._gather.layout).sum(axis=1)
        if self._squares:
            sums[:, -1] -= 0.5 * (values * values).sum(axis=1)
        return np.asarray(sums)
