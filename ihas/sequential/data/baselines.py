"""What any recommender of the next item must beat: popularity, and the nearest users by their items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from ihas.sequential.data.sequences import Sequences


@dataclass(frozen=True)
class Popularity:
    """Score_i = times that i was taken, whatever the history.

    Attributes:
        counts: int64 (num_items,).
    """

    counts: np.ndarray

    def scores(self, histories: Sequences) -> np.ndarray:
        """float64 (histories, num_items)."""
        return np.tile(self.counts.astype(np.float64), (len(histories), 1))


@dataclass(frozen=True)
class SessionNeighbours:
    """SKNN: score_i = sum over the k nearest sequences s of c(x, s) [i in s], c(x, s) = |x and s| / sqrt(|x| |s|) over sets of items.

    Equal similarities: the first sequence first. Source: Jannach and Ludewig 2017 (the plain form, without sampling by recency).

    Attributes:
        items: bool (sequences, num_items), sparse. Items of each sequence.
        num_neighbours: k.
    """

    items: sparse.csr_matrix
    num_neighbours: int

    @classmethod
    def of(cls, sequences: Sequences, num_items: int, num_neighbours: int) -> SessionNeighbours:
        """Neighbours among these sequences."""
        return cls(_item_sets(sequences, num_items), num_neighbours)

    def scores(self, histories: Sequences) -> np.ndarray:
        """float64 (histories, num_items)."""
        item_sets = _item_sets(histories, self.items.shape[1])
        cosine = _unit(item_sets) @ _unit(self.items).T
        return np.asarray((_largest(cosine.tocsr(), self.num_neighbours) @ self.items).toarray())


def _item_sets(sequences: Sequences, num_items: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    known = (sequences.items >= 0) & (sequences.items < num_items)
    cells = np.unique(np.stack([rows[known], sequences.items[known]]), axis=1)
    return sparse.csr_matrix((np.ones(cells.shape[1]), (cells[0], cells[1])), (len(sequences), num_items))


def _unit(sets: sparse.csr_matrix) -> sparse.csr_matrix:
    sizes = np.maximum(np.asarray(sets.sum(axis=1)).ravel(), 1.0)
    return sparse.diags(1.0 / np.sqrt(sizes)) @ sets


def _largest(matrix: sparse.csr_matrix, k: int) -> sparse.csr_matrix:
    """The k largest entries of each row, the leftmost of equal ones."""
    matrix.sort_indices()
    kept = np.zeros(matrix.nnz, bool)
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        kept[matrix.indptr[row] + np.argsort(-matrix.data[part], kind="stable")[:k]] = True
    data = np.where(kept, matrix.data, 0.0)
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), matrix.shape)
