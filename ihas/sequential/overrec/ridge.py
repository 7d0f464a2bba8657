"""Kernel ridge regression from histories to the item that came next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.overrec import KernelConfig
from ihas.sequential.data.sequences import NextItem, Sequences
from ihas.sequential.overrec.kernel import own_similarities, similarities
from ihas.sequential.overrec.recursion import pair_values, tables


@dataclass(frozen=True)
class KernelRidge:
    """S = Theta(X*, X) (Theta(X, X) + lambda I)^-1 Y, with Y the one-hot targets: the network trained to the end under squared loss.

    Attributes:
        config: the kernel.
        rows: prefixes and targets that it was fitted on.
        inverse: float64 (rows, rows). (Theta(X, X) + lambda I)^-1.
    """

    config: KernelConfig
    rows: NextItem
    inverse: np.ndarray

    @classmethod
    def fitted(cls, config: KernelConfig, rows: NextItem, ridge: float) -> KernelRidge:
        """Fit to all rows; lambda is `ridge` times the mean of the kernel's diagonal."""
        gram = _values(config, rows.histories, rows.histories)
        gram[np.diag_indices_from(gram)] = 1.0 if config.normalize else own_similarities(config, rows.histories)
        gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
        return cls(config, rows, np.linalg.inv(gram))

    def scores(self, histories: Sequences, num_items: int) -> np.ndarray:
        """Score of each item, the targets' regression weights summed by item: float64 (histories, num_items)."""
        weights = self.inverse @ _values(self.config, self.rows.histories, histories)
        scores = np.zeros((num_items, len(histories)))
        np.add.at(scores, self.rows.targets, weights)
        return scores.T


def _values(config: KernelConfig, rows: Sequences, columns: Sequences) -> np.ndarray:
    """All pairs, as `similarities` has them for different sequences; compiled where a pair's value allows it."""
    if config.pooling != "last":
        return similarities(config, rows, columns)
    found = np.empty((len(rows), len(columns)))
    read = tables(config, int(max(rows.lengths.max(initial=1), columns.lengths.max(initial=1))))
    pair_values(read.parts, rows.offsets, rows.items, columns.offsets, columns.items, found)
    return found


def drawn(rows: NextItem, count: int, rng: np.random.Generator) -> NextItem:
    """At most `count` of the rows, drawn without replacement, in their order."""
    if len(rows) <= count:
        return rows
    kept = np.sort(rng.choice(len(rows), count, replace=False))
    return NextItem(rows.users[kept], rows.histories.take(kept), rows.targets[kept])
