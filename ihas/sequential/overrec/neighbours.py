"""The exact nearest prefixes of a history, without the matrix of all pairs.

A prefix is the beginning of a sequence up to a position that has an item after it. An index from items to the positions where they occur
is one from (distance from the end, item) to prefixes: the prefix that ends `d` places after an occurrence has the item at distance d.
So every prefix that matches a query anywhere is found by its items, newest first, and all others have the tabulated value of their
length. Values grow with the set of matches, which bounds what a prefix first met at distance d can reach.
Source: our construction.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ihas.config.overrec import KernelConfig
from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.overrec.prefix_search import Layout, nearest
from ihas.sequential.overrec.recursion import Tables, tables

BLOCK_QUERIES = 256


@dataclass(frozen=True)
class Neighbours:
    """The nearest prefixes of each query, best first; equal values in the order of the prefixes.

    Attributes:
        prefixes: int64 (queries, k). Numbers of prefixes; -1 where there are fewer than k.
        values: float64 (queries, k). Kernel values; 0 where there is no prefix.
        targets: int32 (queries, k). The item that came after each prefix; -1 where there is none.
    """

    prefixes: np.ndarray
    values: np.ndarray
    targets: np.ndarray

    def first(self, k: int) -> Neighbours:
        """The nearest k of them."""
        return Neighbours(self.prefixes[:, :k], self.values[:, :k], self.targets[:, :k])


@dataclass(frozen=True)
class NeighbourIndex:
    """Prefixes of sequences, ready to be searched. A prefix's number is the position of its last item, counted over all items added.

    Attributes:
        tables: what the recursion reads.
        max_length: most recent items of a prefix, and of a query, that count.
        segments: what was added, in the order it was added.
    """

    tables: Tables
    max_length: int
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, sequences: Sequences, config: KernelConfig, max_length: int) -> NeighbourIndex:
        """An index of all prefixes.

        Args:
            sequences: their prefixes are searched.
            config: the kernel, with pooling by the last step.
            max_length: most recent items of a prefix, and of a query, that count.

        Raises:
            ConfigError: pooling by average, or a negative item.
        """
        if config.pooling != "last":
            raise ConfigError(f"`pooling` must be 'last' for neighbours to be found without all pairs, but got {config.pooling!r}.")
        everything = _segment(sequences, np.zeros(len(sequences), np.int64), max_length, 0)
        return cls(tables(config, max_length), max_length, (everything,))

    @property
    def num_prefixes(self) -> int:
        """Prefixes."""
        return sum(segment.num_prefixes for segment in self.segments)

    def extended(self, sequences: Sequences, known: np.ndarray) -> NeighbourIndex:
        """An index of these prefixes and more, made in time that grows with what is added.

        Args:
            sequences: whole sequences, or at least their last `max_length` known items, with the new items behind.
            known: int64 (sequences,). Items at the beginning of each that the index has; the last known item begins new prefixes.

        Raises:
            ConfigError: a negative item.
        """
        first = sum(len(segment.layout.items) for segment in self.segments)
        added = _segment(sequences, np.maximum(np.asarray(known, np.int64) - 1, 0), self.max_length, first)
        return NeighbourIndex(self.tables, self.max_length, (*self.segments, added))

    def search(self, queries: Sequences, k: int, num_threads: int = 1) -> Neighbours:
        """The k nearest prefixes of each query, exactly those of comparing it with every prefix.

        Args:
            queries: histories; the last `max_length` items count. Items that the index does not know match nothing.
            k: neighbours, at least 1.
            num_threads: threads that share the queries; the answer does not depend on it.

        Raises:
            ConfigError: a query is empty, or k is below 1.
        """
        empty = np.flatnonzero(queries.lengths == 0)
        if len(empty):
            raise ConfigError(f"A history must have an item, but {len(empty)} have none, the first at {empty[0]}. Leave them out.")
        if k < 1:
            raise ConfigError(f"`k` must be at least 1, but got {k}.")
        cut = queries.last(self.max_length)
        found = [self._search_segment(segment, cut, k, num_threads) for segment in self.segments]
        return found[0] if len(found) == 1 else _merged(found, k)

    def _search_segment(self, segment: Segment, queries: Sequences, k: int, num_threads: int) -> Neighbours:
        shape = (len(queries), k)
        found = Neighbours(np.full(shape, -1, np.int64), np.zeros(shape), np.full(shape, -1, np.int32))
        parts, bounds = self.tables.parts, self.tables.bounds

        def work(start: int) -> None:
            block = slice(start, min(start + BLOCK_QUERIES, len(queries)))
            nearest(
                segment.layout,
                parts,
                bounds,
                queries.offsets[block.start : block.stop + 1],
                queries.items,
                found.prefixes[block],
                found.values[block],
            )

        with ThreadPoolExecutor(num_threads) as pool:
            list(pool.map(work, range(0, len(queries), BLOCK_QUERIES)))
        filled = found.prefixes >= 0
        found.targets[filled] = segment.layout.items[found.prefixes[filled] + 1]
        found.prefixes[filled] += segment.first
        return found


@dataclass(frozen=True)
class Segment:
    """Prefixes that were added together.

    Attributes:
        layout: what the compiled search reads.
        first: number of the segment's position 0.
        num_prefixes: prefixes.
    """

    layout: Layout
    first: int
    num_prefixes: int


def _segment(sequences: Sequences, first_end: np.ndarray, max_length: int, first: int) -> Segment:
    """Index of the prefixes whose last item is at `first_end` of their sequence, or later: int64 (sequences,)."""
    items = np.ascontiguousarray(sequences.items, np.int32)
    if items.min(initial=0) < 0:
        raise ConfigError(f"Items of an index must be numbered from 0, but got {items.min()}. Leave unknown items out.")
    lengths = sequences.lengths
    begins = np.repeat(sequences.offsets[:-1], lengths).astype(np.int32)
    ends = np.repeat(sequences.offsets[1:] - 1, lengths).astype(np.int32)  # the last item of a sequence ends no prefix
    first_ends = np.repeat(sequences.offsets[:-1] + first_end, lengths).astype(np.int32)
    positions = np.arange(len(items), dtype=np.int32)
    is_prefix = (positions >= first_ends) & (positions < ends)
    prefixes = positions[is_prefix]
    prefix_lengths = np.minimum(prefixes - begins[is_prefix] + 1, max_length)
    layout = Layout(
        items=items,
        begins=begins,
        first_ends=first_ends,
        ends=ends,
        occurrences=np.argsort(items, kind="stable").astype(np.int32),
        item_offsets=np.concatenate([[0], np.cumsum(np.bincount(items))]).astype(np.int64),
        by_length=prefixes[np.argsort(prefix_lengths, kind="stable")],
        length_offsets=np.concatenate([[0], np.cumsum(np.bincount(prefix_lengths, minlength=max_length + 1))]).astype(np.int64),
    )
    return Segment(layout, first, len(prefixes))


def _merged(found: list[Neighbours], k: int) -> Neighbours:
    """The nearest of several segments; segments are in the order of their prefixes' numbers."""
    prefixes, values, targets = (
        np.concatenate([getattr(part, name) for part in found], axis=1) for name in ("prefixes", "values", "targets")
    )
    order = np.argsort(np.where(prefixes < 0, np.inf, -values), axis=1, kind="stable")[:, :k]
    return Neighbours(*(np.take_along_axis(array, order, axis=1) for array in (prefixes, values, targets)))
