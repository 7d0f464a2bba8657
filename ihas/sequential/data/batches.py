"""Batches of sequences of nearly one length, so that little arithmetic is spent on padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ihas.sequential.data.sequences import Sequences

PADDING = -1


@dataclass(frozen=True)
class Bucket:
    """Sequences padded to one length.

    Attributes:
        rows: int64 (n,). Which sequences they are.
        items: int32 (n, length). Items, -1 after the last one.
    """

    rows: np.ndarray
    items: np.ndarray


def padded(sequences: Sequences, length: int) -> np.ndarray:
    """The last `length` items of each sequence, oldest first, -1 after the last one: int32 (num_sequences, length)."""
    kept = sequences.last(length)
    items = np.full((len(kept), length), PADDING, np.int32)
    items[np.arange(length) < kept.lengths[:, None]] = kept.items
    return items


def buckets(sequences: Sequences, max_length: int, least: int = 1) -> list[Bucket]:
    """All sequences of `least` items or more by length: each bucket is about a quarter longer than the one before, and none is empty.

    Args:
        max_length: items of a sequence that are kept, the last ones.
        least: shorter sequences are left out.
    """
    lengths = np.minimum(sequences.lengths, max_length)
    ends = [least]
    while ends[-1] < max_length:
        ends.append(min(max(ends[-1] + 1, round(ends[-1] * 1.25)), max_length))
    bucket_of = np.searchsorted(ends, lengths)
    found = []
    for number, end in enumerate(ends):
        rows = np.flatnonzero((bucket_of == number) & (lengths >= least))
        if len(rows):
            found.append(Bucket(rows, padded(sequences.take(rows), end)))
    return found


def batches(of: list[Bucket], num_places: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Every sequence once, in batches int32 (rows, length) of at most about `num_places` places, in random order."""
    pieces = []
    for number, bucket in enumerate(of):
        order = rng.permutation(len(bucket.rows))
        size = max(1, num_places // bucket.items.shape[1])
        pieces += [(number, piece) for piece in np.array_split(order, max(1, round(len(order) / size)))]
    for i in rng.permutation(len(pieces)).tolist():
        number, piece = pieces[i]
        yield of[number].items[piece]
