"""Encoded rows, memory-mapped from disk or held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ihas.data.layout import FieldLayout
from ihas.data.mapped import new_array, release, scattered, spans

TAKEN_ROWS = 1 << 16


@dataclass(frozen=True)
class Dataset:
    """Encoded rows of one part.

    Attributes:
        layout: where the fields lie in the table and in `ids`.
        ids: int32 (rows, num_slots). Row numbers of the fused table; -1 is padding.
        labels: float32 (rows,). 0 or 1; under a teacher, its probability of a click; where the label is a number, its place in its range.
        weights: float32 (rows,). How much each row counts where a model learns from it, 1 on average of the training rows; None where all
            count alike. Metrics read none.
        label_range: numbers that the labels 0 and 1 stand for; None where they are clicks.
        tasks: float32 (rows, tasks). Further labels, 0, 1 or NaN where one is missing; None where there is one label.
        task_weights: weight of each of them in training, beside 1 of the first label.
    """

    layout: FieldLayout
    ids: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None = None
    label_range: tuple[float, float] | None = None
    tasks: np.ndarray | None = None
    task_weights: tuple[float, ...] = ()

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    @property
    def num_tasks(self) -> int:
        """Labels of a row, the first one counted."""
        return 1 if self.tasks is None else 1 + int(self.tasks.shape[1])

    def take(self, rows: np.ndarray) -> Dataset:
        """The given rows, in that order: int (n,) or bool (rows,); where they are many, their ids are mapped (`ihas.data.mapped`)."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        if len(rows) <= TAKEN_ROWS:
            return self._of_rows(scattered(self.ids, rows), rows)
        ids = new_array((len(rows), self.ids.shape[1]), np.int32)
        for block in spans(len(rows), TAKEN_ROWS):
            ids[block] = scattered(self.ids, rows[block])
        return self._of_rows(ids, rows)

    def _of_rows(self, ids: np.ndarray, rows: np.ndarray) -> Dataset:
        weights, tasks = (None if part is None else scattered(part, rows) for part in (self.weights, self.tasks))
        return replace(self, ids=ids, labels=scattered(self.labels, rows), weights=weights, tasks=tasks)

    def blocks(self, num_rows: int) -> Iterator[Dataset]:
        """The rows in order, at most `num_rows` at a time, in memory."""
        for start in range(0, len(self), num_rows):
            yield self.block(start, start + num_rows)

    def block(self, start: int, stop: int) -> Dataset:
        """Neighbouring rows, in memory; fewer where there are no more."""
        weights, tasks = (None if part is None else np.array(part[start:stop]) for part in (self.weights, self.tasks))
        ids, labels = np.array(self.ids[start:stop]), np.array(self.labels[start:stop])
        block = replace(self, ids=ids, labels=labels, weights=weights, tasks=tasks)
        release()
        return block


def joined(first: Dataset, second: Dataset) -> Dataset:
    """The rows of both, the first's first; mapped where they are many. Rows of a part without weights count 1 beside one that has them."""
    ids = new_array((len(first) + len(second), first.ids.shape[1]), np.int32)
    for part, start in ((first, 0), (second, len(first))):
        for block in spans(len(part), TAKEN_ROWS):
            ids[start + block.start : start + block.stop] = part.ids[block]
    weights = None if first.weights is None and second.weights is None else np.concatenate([_weights(first), _weights(second)])
    tasks = None if first.tasks is None or second.tasks is None else np.concatenate([first.tasks, second.tasks])
    return replace(first, ids=ids, labels=np.concatenate([first.labels, second.labels]), weights=weights, tasks=tasks)


def _weights(rows: Dataset) -> np.ndarray:
    return np.ones(len(rows), np.float32) if rows.weights is None else rows.weights


@dataclass(frozen=True)
class Splits:
    """The three parts of a table; test rows are read once, at the end."""

    train: Dataset
    valid: Dataset
    test: Dataset
