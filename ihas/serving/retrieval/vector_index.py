"""The nearest of many vectors by their product with one: exactly, or approximately where there are more than a million.

nearest n = argsort_j (-q . v_j, j)[:n]          equal products in the order of the items
"""

from __future__ import annotations

import math
from typing import Any, Literal, Protocol

import numpy as np

MAX_EXACT = 1_000_000
"""Vectors that are searched exactly; with more, faiss searches where it is installed (`ihas[ann]`)."""
TRAINED_ON = 64
PROBED = 8
FEW = 20
"""A filter that leaves one vector in so many, or fewer, leaves them to an exact search."""


class VectorIndex(Protocol):
    """Vectors to be searched; safe to use from several threads."""

    @property
    def method(self) -> Literal["exact", "approximate"]:
        """How it searches."""

    def search(self, query: np.ndarray, n: int, wanted: np.ndarray | None) -> np.ndarray:
        """Positions of the nearest, nearest first: int64 (at most n,).

        Args:
            query: float32 (width,).
            n: most positions.
            wanted: bool (vectors,). The only ones that count; None for all.
        """


def vector_index(vectors: np.ndarray, max_exact: int = MAX_EXACT) -> VectorIndex:
    """An index of vectors float32 (n, width)."""
    if len(vectors) <= max_exact:
        return ExactIndex(vectors)
    try:
        import faiss
    except ModuleNotFoundError:
        return ExactIndex(vectors)
    return ApproximateIndex(vectors, faiss)


class ExactIndex:
    """One matrix-vector product, and the largest of it."""

    method: Literal["exact", "approximate"] = "exact"

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = np.ascontiguousarray(vectors)

    def search(self, query: np.ndarray, n: int, wanted: np.ndarray | None) -> np.ndarray:
        """See `VectorIndex.search`."""
        if wanted is None:
            return largest(self._vectors @ query, n)
        kept = np.flatnonzero(wanted)
        few = len(kept) * FEW <= len(wanted)
        products = self._vectors[kept] @ query if few else (self._vectors @ query)[kept]
        return np.asarray(kept[largest(products, n)], np.int64)


class ApproximateIndex:
    """An inverted file of faiss, built when the bundle is loaded: vectors by the nearest of sqrt(n) centres, an eighth of which
    (`PROBED`) is searched.

    Under a filter that leaves few (`FEW`), or where too few were found, the search is exact.
    """

    method: Literal["exact", "approximate"] = "approximate"

    def __init__(self, vectors: np.ndarray, faiss: Any) -> None:
        self._faiss, self._exact = faiss, ExactIndex(vectors)
        width, centres = vectors.shape[1], max(1, math.isqrt(len(vectors)))
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, centres, faiss.METRIC_INNER_PRODUCT)
        step = max(1, len(vectors) // (centres * TRAINED_ON))
        self._index.train(np.ascontiguousarray(vectors[::step]))
        self._index.add(np.ascontiguousarray(vectors))

    def search(self, query: np.ndarray, n: int, wanted: np.ndarray | None) -> np.ndarray:
        """See `VectorIndex.search`."""
        if wanted is not None and np.count_nonzero(wanted) * FEW <= len(wanted):
            return self._exact.search(query, n, wanted)
        selector = None if wanted is None else self._faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))
        parameters = self._faiss.SearchParametersIVF(nprobe=max(1, self._index.nlist // PROBED), sel=selector)
        _, found = self._index.search(query[None], n, params=parameters)
        positions = found[0][found[0] >= 0].astype(np.int64)
        left = self._index.ntotal if wanted is None else int(wanted.sum())
        return positions if len(positions) >= min(n, left) else self._exact.search(query, n, wanted)


def largest(values: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n largest, largest first; equal ones in their order, also at the border: int64 (min(n, len),)."""
    if n < len(values):
        least = np.partition(values, -n)[-n]
        above = np.flatnonzero(values > least)
        kept = np.concatenate([above, np.flatnonzero(values == least)[: n - len(above)]])
    else:
        kept = np.arange(len(values))
    return np.asarray(kept[np.lexsort((kept, -values[kept]))], np.int64)
