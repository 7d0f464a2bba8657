"""Encoded rows, memory-mapped from disk or held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ihas.layout import FieldLayout


@dataclass(frozen=True)
class Dataset:
    """Encoded rows of one part.

    Attributes:
        layout: where the fields lie in the table and in `ids`.
        ids: int32 (rows, num_slots). Row numbers of the fused table; -1 is padding.
        labels: float32 (rows,). 0 or 1; under a teacher, its probability of a click.
    """

    layout: FieldLayout
    ids: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def take(self, rows: np.ndarray) -> Dataset:
        """The given rows, in that order: int (n,) or bool (rows,)."""
        return Dataset(self.layout, self.ids[rows], self.labels[rows])

    def blocks(self, num_rows: int) -> Iterator[Dataset]:
        """The rows in order, at most `num_rows` at a time."""
        for start in range(0, len(self), num_rows):
            yield self.take(np.arange(start, min(start + num_rows, len(self))))


@dataclass(frozen=True)
class Parts:
    """The three parts of a table; test rows are read once, at the end."""

    train: Dataset
    valid: Dataset
    test: Dataset
