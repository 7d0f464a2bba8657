"""Adam (Kingma and Ba 2015, algorithm 1) and AdaGrad (Duchi et al. 2011) for the embedding table, outside the graph and in place.

    adam      m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
    adagrad   s <- s + g^2,  w <- w - lr g / (sqrt(s) + eps)
    g = sum over the row's occurrences in the batch + l2 w

A table of up to `DENSE_ROWS` rows is updated whole; of a larger one only the rows that the batch reads, which costs the
batch and not the vocabulary. A row that batches left out is given what it missed, decay, momentum and L2, when it is read
next (`table_kernels.adam_left_out`, `adagrad_left_out`), so that both ways agree. AdaGrad's missed steps are L2 alone and are taken one by
one until they change nothing; without L2 there are none. Source: Adam's settling in spans is our choice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from ihas.optim import table_kernels as kernels
from ihas.optim.row_shares import in_shares

DENSE_ROWS = 50_000
MIN_CHANGED, MIN_READ = 8_192, 65_536
"""Rows that are changed, or read, from which on threads share them."""
ALIGNMENT = 64
"""Bytes that TensorFlow wants arrays to begin at a multiple of; one that does need not be copied for it."""


class TableByRows(ABC):
    """A table while it is trained, with what its rule keeps of each row.

    Attributes:
        state: float32 (num_rows, planes, width). Weights first.
        l2: weight of half the squared norm in the loss.
        steps: steps done.
        num_threads: threads that share the rows; the result does not depend on it.
    """

    def __init__(self, values: np.ndarray, l2: float, planes: int, num_threads: int) -> None:
        self.state, self.l2, self.steps = np.zeros((len(values), planes, values.shape[1]), np.float32), np.float32(l2), 0
        self.num_threads = num_threads
        self.values[...] = values
        self._whole = np.arange(len(values), dtype=np.int32)
        self._batch = _Rows(len(values))
        self._last = np.zeros(len(values), np.int32)

    @property
    def values(self) -> np.ndarray:
        """The table, float32 (num_rows, width), a view; `settle` makes it whole."""
        return self.state[:, 0]

    @property
    def dense(self) -> bool:
        """Whether every step updates every row."""
        return len(self.state) <= DENSE_ROWS

    def look_up(self, ids: np.ndarray, learning_rate: float) -> np.ndarray:
        """Rows that ids int32 (batch, num_slots) read, as a step will find them: float32 (batch * num_slots, width), zeros for padding.

        An array of the caller's own, aligned.
        """
        flat = np.ascontiguousarray(ids).reshape(-1)
        if not self.dense:
            self._settle(self._batch.find(flat), learning_rate)
        found = aligned(len(flat), self.state.shape[2])
        in_shares(lambda share: kernels.gather(self.state, flat[share], found[share]), len(flat), self.num_threads, MIN_READ)
        return found

    def apply(self, ids: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """One step: `gradient` float32 (batch * num_slots, width) belongs to the batch last looked up, ids int32 (batch, num_slots)."""
        self.steps += 1
        flat = np.ascontiguousarray(ids).reshape(-1)
        rows, positions = (self._whole, flat) if self.dense else (self._batch.rows, self._batch.positions)
        sums = np.empty((len(rows), self.state.shape[2]), np.float32)
        kernels.scatter_sum(gradient, positions, sums)
        self._change(rows, sums, learning_rate)
        if not self.dense:
            self._last[rows] = self.steps

    def settle(self, learning_rate: float) -> None:
        """Give every row the steps that it was left out of."""
        if not self.dense:
            self._settle(self._whole, learning_rate)

    def _in_shares(self, change: Callable[[slice], object], rows: np.ndarray) -> None:
        """Change rows int32 (n,), share by share."""
        in_shares(change, len(rows), self.num_threads, MIN_CHANGED)

    @abstractmethod
    def _change(self, rows: np.ndarray, sums: np.ndarray, learning_rate: float) -> None:
        """One step of rows int32 (n,) with summed gradients float32 (n, width)."""

    @abstractmethod
    def _settle(self, rows: np.ndarray, learning_rate: float) -> None:
        """Give rows the steps that they were left out of."""


class TableAdam(TableByRows):
    """By Adam: planes are weights, first and second moments."""

    def __init__(self, values: np.ndarray, l2: float, num_threads: int = 1) -> None:
        super().__init__(values, l2, 3, num_threads)

    def _change(self, rows: np.ndarray, sums: np.ndarray, learning_rate: float) -> None:
        rate = _corrected(learning_rate, self.steps)
        self._in_shares(lambda share: kernels.adam(self.state, rows[share], sums[share], rate, self.l2), rows)

    def _settle(self, rows: np.ndarray, learning_rate: float) -> None:
        rate = _corrected(learning_rate, max(self.steps, 1))
        self._in_shares(lambda share: kernels.adam_left_out(self.state, rows[share], self._last, self.steps, rate, self.l2), rows)


class TableAdagrad(TableByRows):
    """By AdaGrad: planes are weights and sums of squared gradients."""

    def __init__(self, values: np.ndarray, l2: float, num_threads: int = 1) -> None:
        super().__init__(values, l2, 2, num_threads)

    def _change(self, rows: np.ndarray, sums: np.ndarray, learning_rate: float) -> None:
        rate = np.float32(learning_rate)
        self._in_shares(lambda share: kernels.adagrad(self.state, rows[share], sums[share], rate, self.l2), rows)

    def _settle(self, rows: np.ndarray, learning_rate: float) -> None:
        rate = np.float32(learning_rate)
        self._in_shares(lambda share: kernels.adagrad_left_out(self.state, rows[share], self._last, self.steps, rate, self.l2), rows)


class _Rows:
    """The distinct rows of a batch, and where each id's row stands among them."""

    def __init__(self, num_rows: int) -> None:
        self._seen = np.full(num_rows, -1, np.int32)
        self.rows = self.positions = np.zeros(0, np.int32)

    def find(self, ids: np.ndarray) -> np.ndarray:
        rows, self.positions = np.empty(len(ids), np.int32), np.empty(len(ids), np.int32)
        self.rows = rows[: kernels.distinct(ids, self._seen, rows, self.positions)]
        return self.rows


def aligned(rows: int, width: int) -> np.ndarray:
    """An array float32 (rows, width) that TensorFlow need not copy; its values are not set."""
    raw = np.empty(4 * rows * width + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + 4 * rows * width].view(np.float32).reshape(rows, width)


def _corrected(learning_rate: float, step: int) -> np.float32:
    return np.float32(learning_rate * np.sqrt(1.0 - kernels.BETA_2**step) / (1.0 - kernels.BETA_1**step))
