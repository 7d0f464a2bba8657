"""What a batch is where a training is spread over several processes, its ranks: each has some neighbouring rows of the same batch.

    rank r of n has rows r B / n .. (r + 1) B / n of a batch of B
    total(x) = sum of x over the ranks, at every rank;   dL/dx = total(dL/dtotal),  L = sum of the ranks' losses

Within `within`, while a graph is made, means over a batch are those of all ranks' rows. Every rank makes the same graph, so that totals
are asked for in the same order. Outside, everything is as if there were one process. Source: our choice (decision 101).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf


class Ranks(Protocol):
    """The processes of one training, as one of them sees them."""

    @property
    def rank(self) -> int:
        """This one's number, from 0."""

    @property
    def count(self) -> int:
        """How many there are."""

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum over the ranks, equal to the bit at each: float32 (n,), of the same n everywhere."""

    def gather(self, own: np.ndarray) -> list[np.ndarray]:
        """Every rank's array, float32 (n,), by rank."""


@dataclass(frozen=True)
class BatchShare:
    """This rank's rows of a batch.

    Attributes:
        ranks: the processes.
        first: int32 scalar. Rows of the batch before its own.
        rows: int32 scalar. Rows of the whole batch.
    """

    ranks: Ranks
    first: Tensor
    rows: Tensor


_share: ContextVar[BatchShare | None] = ContextVar("batch_share", default=None)


@contextmanager
def within(share: BatchShare) -> Iterator[None]:
    """Make a graph of a share of a batch."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


def batch_share() -> BatchShare | None:
    """The share that a graph is made of; None for a whole batch."""
    return _share.get()


def summed(values: Sequence[Tensor]) -> list[Tensor]:
    """Each tensor's sum over the ranks, float32, in one message."""
    share = _share.get()
    if share is None:
        return list(values)
    flat = _total(share.ranks, tf.concat([tf.reshape(value, [-1]) for value in values], axis=0))
    parts = tf.split(flat, [tf.size(value) for value in values])
    return [tf.ensure_shape(tf.reshape(part, tf.shape(value)), value.shape) for part, value in zip(parts, values, strict=True)]


def _total(ranks: Ranks, values: Tensor) -> Tensor:
    @tf.custom_gradient
    def total(own: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        found = tf.ensure_shape(tf.numpy_function(ranks.total, [own], tf.float32), own.shape)
        return found, lambda upstream: _total(ranks, upstream)

    return total(values)


def own_part_of_mean(values: Tensor) -> Tensor:
    """What this rank's rows, the first axis, add to the mean over the batch: a scalar."""
    share = _share.get()
    if share is None:
        return tf.reduce_mean(values)
    columns = 1 if values.shape.rank == 1 else values.shape[1]
    return tf.reduce_sum(values) / tf.cast(share.rows * columns, tf.float32)


def own_part(scalar: Tensor) -> Tensor:
    """A rank's part of what all ranks have alike."""
    share = _share.get()
    return scalar if share is None else scalar / share.ranks.count


def batch_moments(values: Tensor, axis: int, near: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over the batch, which is `axis`.

    Args:
        values: float32.
        axis: of the batch's rows.
        near: of the shape of the mean. What the mean is near to, alike at every rank; squares are summed from there, in one message.
    """
    share = _share.get()
    if share is None:
        found: tuple[Tensor, Tensor] = tf.nn.moments(values, axes=[axis])
        return found
    near = tf.stop_gradient(tf.convert_to_tensor(near))
    apart = values - tf.expand_dims(near, axis)
    totals = summed([tf.reduce_sum(apart, axis), tf.reduce_sum(tf.square(apart), axis)])
    mean, square = (total / tf.cast(share.rows, tf.float32) for total in totals)
    return mean + near, tf.maximum(square - tf.square(mean), 0.0)


def first_rows(values: Tensor, max_rows: int) -> Tensor:
    """Those of a rank's rows that are among the first `max_rows` of the batch."""
    share = _share.get()
    return values[:max_rows] if share is None else values[: tf.maximum(max_rows - share.first, 0)]


def batch_means(values: Sequence[Tensor], axes: Sequence[int | None], max_rows: int) -> list[Tensor]:
    """Means over the first `max_rows` rows of the batch, the first axis, of which `values` (own rows, n) are a rank's.

    Args:
        values: of one shape.
        axes: 0 for a mean of each column, None for one of all.
        max_rows: rows, as for `first_rows`.
    """
    share = _share.get()
    if share is None:
        return [tf.reduce_mean(value, axis=axis) for value, axis in zip(values, axes, strict=True)]
    rows = tf.cast(tf.minimum(share.rows, max_rows), tf.float32)
    totals = summed([tf.reduce_sum(value, axis=axis) for value, axis in zip(values, axes, strict=True)])
    columns = tf.cast(tf.shape(values[0])[1], tf.float32)
    return [total / (rows if axis == 0 else rows * columns) for total, axis in zip(totals, axes, strict=True)]


def own_rows(whole: Tensor, axis: int, count: Tensor) -> Tensor:
    """A rank's `count` rows of what is drawn for the whole batch, along `axis`."""
    share = _share.get()
    return whole if share is None else tf.gather(whole, share.first + tf.range(count), axis=axis)


def batch_shape(like: Tensor, axis: int) -> Tensor:
    """Shape int32 (rank,) of what `like` is a share of, along `axis`."""
    share, shape = _share.get(), tf.shape(like)
    return shape if share is None else tf.concat([shape[:axis], [share.rows], shape[axis + 1 :]], axis=0)
