"""OverRec: an infinitely wide recurrent recommender, which needs no training (Qiu, Huang and Yin 2022)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ihas.config.overrec import OverRecConfig
from ihas.errors import ConfigError
from ihas.seeding import generator
from ihas.sequential.data.sequences import Sequences, prefixes
from ihas.sequential.overrec.neighbours import NeighbourIndex, Neighbours
from ihas.sequential.overrec.ridge import KernelRidge, drawn
from ihas.sequential.overrec.votes import shares, votes


@dataclass(frozen=True)
class OverRec:
    """Sequences that vote for the item that comes next.

    Attributes:
        config: settings.
        counts: int64 (num_items,). Times that each item was taken.
        voting: prefixes to be searched, or under `krr` the regression.
    """

    config: OverRecConfig
    counts: np.ndarray
    voting: NeighbourIndex | KernelRidge

    @classmethod
    def of(cls, sequences: Sequences, num_items: int, config: OverRecConfig) -> OverRec:
        """A recommender of these sequences.

        Raises:
            ConfigError: an item is not in 0 .. num_items - 1, or no sequence has two items.
        """
        _check(sequences, num_items)
        counts = sequences.counts(num_items)
        if config.score != "krr":
            return cls(config, counts, NeighbourIndex.of(sequences, config.kernel, config.max_length))
        rows = drawn(prefixes(sequences), config.krr_rows, generator(config.seed, "krr"))
        cut = replace(rows, histories=rows.histories.last(config.max_length))
        return cls(config, counts, KernelRidge.fitted(config.kernel, cut, config.krr_ridge))

    @property
    def num_items(self) -> int:
        """Items that can be recommended."""
        return len(self.counts)

    def extended(self, sequences: Sequences, known: np.ndarray, num_items: int) -> OverRec:
        """The same with more interactions, without a rebuild: see `NeighbourIndex.extended`.

        Raises:
            ConfigError: under `krr`, whose regression would have to be fitted again; or an item out of range.
        """
        if isinstance(self.voting, KernelRidge):
            raise ConfigError(
                "Interactions can be added to `sum` and `assign`, but not to `krr`, which must be fitted again on all of them."
            )
        _check_items(sequences, num_items)
        behind = np.arange(len(sequences.items)) - np.repeat(sequences.offsets[:-1] + known, sequences.lengths) >= 0
        counts = np.bincount(sequences.items[behind], minlength=num_items)
        counts[: self.num_items] += self.counts
        return OverRec(self.config, counts, self.voting.extended(sequences, known))

    def neighbours(self, histories: Sequences, num_threads: int = 1) -> Neighbours | None:
        """The prefixes that vote on each history, none of them empty; None under `krr`, where all take part."""
        if isinstance(self.voting, KernelRidge):
            return None
        return self.voting.search(histories, self.config.num_neighbours, num_threads)

    def scores(self, histories: Sequences, num_threads: int = 1) -> np.ndarray:
        """Score of each item after each history, an empty one's being 0: float64 (histories, num_items)."""
        found = np.zeros((len(histories), self.num_items))
        filled = np.flatnonzero(histories.lengths > 0)
        if len(filled):
            found[filled] = self._scores(histories.take(filled), num_threads)
        return found

    def probabilities(self, histories: Sequences) -> np.ndarray:
        """Probability of each item to come next, above 0 for all: float64 (histories, num_items)."""
        return shares(self.scores(histories), self.counts, self.config.popularity)

    def _scores(self, histories: Sequences, num_threads: int) -> np.ndarray:
        if isinstance(self.voting, KernelRidge):
            return self.voting.scores(histories.last(self.config.max_length), self.num_items)
        found = self.voting.search(histories, self.config.num_neighbours, num_threads)
        return votes(found, self.num_items, "sum" if self.config.score == "sum" else "assign")


def _check(sequences: Sequences, num_items: int) -> None:
    _check_items(sequences, num_items)
    longest = int(sequences.lengths.max(initial=0))
    if longest < 2:
        raise ConfigError(f"A sequence must have 2 items, so that one follows another, but the longest has {longest}. Give more rows.")


def _check_items(sequences: Sequences, num_items: int) -> None:
    items = sequences.items
    if len(items) and not (items.min() >= 0 and items.max() < num_items):
        raise ConfigError(f"Items must lie in 0 .. {num_items - 1}, but got {items.min()} .. {items.max()}.")
