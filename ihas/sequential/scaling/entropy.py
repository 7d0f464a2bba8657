"""How predictable item sequences are: approximate entropy and Lempel-Ziv entropy, and what they cannot tell.

    ApEn = |Phi^m - Phi^(m+1)|,  Phi^m = mean_i ln C_i^m,  C_i^m = share of blocks x_j .. x_(j+m-1) within `tolerance` of block i
    LZ   = ln n / mean_i Lambda_i,  Lambda_i = 1 + longest block from i that also lies wholly before i

Items are names: two are the same or not, and only `tolerance` below 1 makes sense of their numbers. In a sequence of length L
without a repeated block, ApEn = ln((L - m + 1) / (L - m)) and LZ = ln L whatever the order: they measure length alone.
Source: Pincus 1991; Kontoyiannis et al. 1998, as used for the performance law (Shen et al. 2024).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences


class EntropyMetrics(Config):
    """Entropy of a set of sequences, and whether it says anything."""

    sequences: int
    """Sequences long enough for a block and the one after it."""
    interactions: int
    """Items of all sequences."""
    block: int
    """Items of a block, m."""
    approximate_entropy: float
    """Mean over the sequences, in nats."""
    lempel_ziv_entropy: float
    """Mean over the sequences, in nats."""
    repeating_blocks: float
    """Share of the sequences in which a block occurs twice; the others' approximate entropy is a function of their length."""
    repeating_items: float
    """Share of the sequences in which an item occurs twice; the others' Lempel-Ziv entropy is a function of their length."""

    @property
    def length_only(self) -> bool:
        """Whether no sequence repeats a block, so that approximate entropy measures nothing but length."""
        return self.repeating_blocks == 0.0

    @property
    def caution(self) -> str:
        """What a reader must know before using the figures; empty where there is nothing to say."""
        if self.length_only:
            return (
                f"No sequence repeats a block of {self.block} items, so approximate entropy is a function of the sequences' lengths alone "
                "and says nothing of their order. Use the number of interactions instead."
            )
        if self.repeating_blocks < 0.5:
            return (
                f"Only {self.repeating_blocks:.1%} of the sequences repeat a block of {self.block} items; "
                "the approximate entropy of the others is a function of their length."
            )
        return ""

    @property
    def scaled_interactions(self) -> float:
        """D' = interactions / ApEn, the data's size in the performance law.

        Raises:
            ConfigError: the entropy measures length alone, or is zero.
        """
        if self.length_only or self.approximate_entropy <= 0.0:
            raise ConfigError(
                "Interactions can be scaled by entropy only where it tells of order, but "
                f"{self.repeating_blocks:.0%} of {self.sequences} sequences repeat a block and ApEn is {self.approximate_entropy:g}. "
                f"Use the number of interactions, {self.interactions}."
            )
        return self.interactions / self.approximate_entropy


def approximate_entropy(values: np.ndarray, block: int = 2, tolerance: float = 0.0) -> float:
    """ApEn of one sequence of numbers, in nats: (length,).

    Args:
        values: the sequence; items by their numbers.
        block: items of a block, m.
        tolerance: largest difference, element by element, at which two blocks count as equal, r.

    Raises:
        ConfigError: `block` below 1, `tolerance` below 0, or a sequence shorter than `block + 1`.
    """
    _check(block, tolerance)
    if len(values) <= block:
        raise ConfigError(f"A sequence must be longer than `block`, but got ({len(values)}, {block}). Lower `block`.")
    same = np.abs(np.subtract.outer(values, values)) <= tolerance
    return abs(_phi(same, block) - _phi(same, block + 1))


def _phi(same: np.ndarray, block: int) -> float:
    blocks = len(same) - block + 1
    equal = np.logical_and.reduce([same[i : i + blocks, i : i + blocks] for i in range(block)])
    return float(np.log(equal.mean(axis=1)).mean())


def approximate_entropies(sequences: Sequences, block: int = 2) -> np.ndarray:
    """ApEn of each sequence for exact matches, in nats: float64 (num_sequences,); nan where it is not longer than `block`.

    Blocks are named by pairs, the name of a block and the item after it, for all sequences at once.

    Raises:
        ConfigError: `block` below 1.
    """
    _check(block, 0.0)
    lengths, phis = sequences.lengths, list[np.ndarray]()
    for size, (of_block, inverse, counts) in enumerate(_named_blocks(sequences, block + 1), start=1):
        blocks = np.maximum(lengths - size + 1, 0)
        logs = np.log(counts[inverse]) - np.log(blocks[of_block])
        with np.errstate(invalid="ignore", divide="ignore"):
            phis.append(np.bincount(of_block, logs, minlength=len(sequences)) / blocks)
    return np.where(lengths > block, np.abs(phis[block - 1] - phis[block]), np.nan)


def _named_blocks(sequences: Sequences, largest: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of the blocks of 1, 2 .. `largest` items: each one's sequence and name, int64 (blocks,), and how often a name occurs, int64 (names,).

    The name of the empty block is its sequence, so that no two sequences share a name.
    """
    of_item = np.repeat(np.arange(len(sequences)), sequences.lengths)
    items, num_items = sequences.items.astype(np.int64), int(sequences.items.max(initial=0)) + 1
    names, ends = of_item.copy(), np.repeat(sequences.offsets[1:], sequences.lengths)
    for size in range(1, largest + 1):
        here = np.flatnonzero(np.arange(len(items)) + size <= ends)  # where a block of this size begins
        _, inverse, counts = np.unique(names[here] * num_items + items[here + size - 1], return_inverse=True, return_counts=True)
        names[here] = inverse
        yield of_item[here], inverse, counts


def lempel_ziv_entropy(values: np.ndarray) -> float:
    """LZ of one sequence of items, in nats: (length,); 0 for a sequence of one item.

    Raises:
        ConfigError: an empty sequence.
    """
    if not len(values):
        raise ConfigError("A sequence must hold an item, but it is empty. Leave it out.")
    return float(lempel_ziv_entropies(Sequences.of([np.unique(values, return_inverse=True)[1]]))[0])


def lempel_ziv_entropies(sequences: Sequences) -> np.ndarray:
    """LZ of each sequence, in nats: float64 (num_sequences,); 0 for a sequence of one item, nan for an empty one."""
    lengths = sequences.lengths
    total = np.bincount(np.repeat(np.arange(len(sequences)), lengths), _longest_matches(sequences), minlength=len(sequences))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.log(lengths) / (1.0 + total / lengths))


def _longest_matches(sequences: Sequences) -> np.ndarray:
    """Lambda - 1 of every item, all sequences together: int64 (total,); each lag compares all items that have one so far before them."""
    lengths, items = sequences.lengths, sequences.items
    longest, places = np.zeros(len(items), np.int64), np.arange(len(items))
    before = places - np.repeat(sequences.offsets[:-1], lengths)
    left = np.repeat(sequences.offsets[1:], lengths) - places
    places = places[np.repeat(repeats_a_block(sequences, 1), lengths)]  # the others' are 0
    for lag in range(1, int(before[places].max(initial=0)) + 1):
        places = places[before[places] >= lag]
        equal = places[items[places] == items[places - lag]]
        longest[equal] = np.maximum(longest[equal], np.minimum(np.minimum(_runs(equal), left[equal]), lag))
    return longest


def _runs(places: np.ndarray) -> np.ndarray:
    """How many of the ascending places follow each other without a gap from each on: int64 (n,) -> int64 (n,)."""
    numbers = np.arange(len(places))
    last = np.append(np.diff(places) != 1, True)[: len(places)]
    stops = np.where(last, numbers, len(places))
    return np.asarray(np.minimum.accumulate(stops[::-1])[::-1] - numbers + 1)


def repeats_a_block(sequences: Sequences, block: int = 2) -> np.ndarray:
    """Whether some block occurs twice in a sequence: bool (num_sequences,)."""
    *_, (of_block, inverse, counts) = _named_blocks(sequences, block)
    return np.bincount(of_block[counts[inverse] > 1], minlength=len(sequences)) > 0


def entropy_metrics(sequences: Sequences, block: int = 2) -> EntropyMetrics:
    """Entropies of all sequences longer than `block`.

    Raises:
        ConfigError: `block` below 1, or no sequence is long enough.
    """
    long = sequences.take(sequences.lengths > block)
    if not len(long):
        raise ConfigError(f"Some sequence must be longer than `block`, but got (longest {sequences.lengths.max(initial=0)}, {block}).")
    return EntropyMetrics(
        sequences=len(long),
        interactions=len(sequences.items),
        block=block,
        approximate_entropy=float(approximate_entropies(long, block).mean()),
        lempel_ziv_entropy=float(lempel_ziv_entropies(long).mean()),
        repeating_blocks=float(repeats_a_block(long, block).mean()),
        repeating_items=float(repeats_a_block(long, 1).mean()),
    )


def _check(block: int, tolerance: float) -> None:
    if block < 1 or tolerance < 0.0:
        raise ConfigError(f"`block >= 1` and `tolerance >= 0` must hold, but got ({block}, {tolerance}).")
