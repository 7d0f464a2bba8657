"""How predictable item sequences are: approximate entropy and Lempel-Ziv entropy, and what they cannot tell.

    ApEn = |Phi^m - Phi^(m+1)|,  Phi^m = mean_i ln C_i^m,  C_i^m = share of blocks x_j .. x_(j+m-1) within `tolerance` of block i
    LZ   = ln n / mean_i Lambda_i,  Lambda_i = 1 + longest block from i that also lies wholly before i

Items are names: two are the same or not, and only `tolerance` below 1 makes sense of their numbers. In a sequence of length L
without a repeated block, ApEn = ln((L - m + 1) / (L - m)) and LZ = ln L whatever the order: they measure length alone.
Source: Pincus 1991; Kontoyiannis et al. 1998, as used for the performance law (Shen et al. 2024).
"""

from __future__ import annotations

import numpy as np

from ihas.config import Config
from ihas.errors import ConfigError
from ihas.sequential.sequences import Sequences


class EntropyFigures(Config):
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
    lengths = sequences.lengths
    of_item = np.repeat(np.arange(len(sequences)), lengths)
    names, phis = of_item.copy(), list[np.ndarray]()  # the name of the empty block is its sequence, so that no two sequences share one
    items, num_items = sequences.items.astype(np.int64), int(sequences.items.max(initial=0)) + 1
    ends = np.repeat(sequences.offsets[1:], lengths)
    for size in range(1, block + 2):
        here = np.flatnonzero(np.arange(len(items)) + size <= ends)  # where a block of this size begins
        _, inverse, counts = np.unique(names[here] * num_items + items[here + size - 1], return_inverse=True, return_counts=True)
        names[here] = inverse
        blocks = np.maximum(lengths - size + 1, 0)
        logs = np.log(counts[inverse]) - np.log(blocks[of_item[here]])
        with np.errstate(invalid="ignore", divide="ignore"):
            phis.append(np.bincount(of_item[here], logs, minlength=len(sequences)) / blocks)
    return np.where(lengths > block, np.abs(phis[block - 1] - phis[block]), np.nan)


def lempel_ziv_entropy(values: np.ndarray) -> float:
    """LZ of one sequence of items, in nats: (length,); 0 for a sequence of one item.

    Raises:
        ConfigError: an empty sequence.
    """
    if not len(values):
        raise ConfigError("A sequence must hold an item, but it is empty. Leave it out.")
    longest = np.zeros(len(values), np.int64)
    for lag in range(1, len(values)):
        equal = values[lag:] == values[:-lag]
        if equal.any():
            longest[lag:] = np.maximum(longest[lag:], np.minimum(_runs(equal), lag))
    return float(np.log(len(values)) / (1.0 + longest.mean()))


def _runs(equal: np.ndarray) -> np.ndarray:
    """Length of the run of True that begins at each place: bool (n,) -> int64 (n,)."""
    places = np.arange(len(equal))
    stops = np.where(equal, len(equal), places)  # each False is the stop of what is before it
    return np.asarray(np.minimum.accumulate(stops[::-1])[::-1] - places)


def repeats_a_block(sequences: Sequences, block: int = 2) -> np.ndarray:
    """Whether some block occurs twice in a sequence: bool (num_sequences,)."""
    lengths = sequences.lengths
    of_item = np.repeat(np.arange(len(sequences)), lengths)
    here = np.flatnonzero(np.arange(len(sequences.items)) + block <= np.repeat(sequences.offsets[1:], lengths))
    rows = np.stack([of_item[here], *(sequences.items[here + i] for i in range(block))], axis=1)
    unique, counts = np.unique(rows, axis=0, return_counts=True)
    return np.bincount(unique[counts > 1, 0], minlength=len(sequences)) > 0


def entropy_figures(sequences: Sequences, block: int = 2) -> EntropyFigures:
    """Entropies of all sequences longer than `block`.

    Raises:
        ConfigError: `block` below 1, or no sequence is long enough.
    """
    long = sequences.take(sequences.lengths > block)
    if not len(long):
        raise ConfigError(f"Some sequence must be longer than `block`, but got (longest {sequences.lengths.max(initial=0)}, {block}).")
    return EntropyFigures(
        sequences=len(long),
        interactions=len(sequences.items),
        block=block,
        approximate_entropy=float(approximate_entropies(long, block).mean()),
        lempel_ziv_entropy=float(np.mean([lempel_ziv_entropy(items) for items in long])),
        repeating_blocks=float(repeats_a_block(long, block).mean()),
        repeating_items=float(repeats_a_block(long, 1).mean()),
    )


def _check(block: int, tolerance: float) -> None:
    if block < 1 or tolerance < 0.0:
        raise ConfigError(f"`block >= 1` and `tolerance >= 0` must hold, but got ({block}, {tolerance}).")
