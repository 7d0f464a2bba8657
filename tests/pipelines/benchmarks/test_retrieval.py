"""Recall is counted against the exact search, over vectors whose blocks are known."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.serving.retrieval.vector_index import ExactIndex
from ihas_pipelines.benchmarks import retrieval
from ihas_pipelines.benchmarks.retrieval import QUERIES, SPREAD, WIDTH, drawn, recall, search, tables

pytestmark = pytest.mark.full


def test_recall_is_the_share_of_the_right_ones() -> None:
    """Three of four and none of four: 3/8 in the mean, whatever the order; of the first two, one and none."""
    right = (np.array([1, 2, 3, 4]), np.array([5, 6, 7, 8]))

    assert recall((np.array([4, 2, 1, 9]), np.array([1, 2])), right, 4) == 0.375
    assert recall((np.array([4, 2, 1, 9]), np.array([1, 2])), right, 2) == 0.25


def test_vectors_lie_around_their_centres() -> None:
    """In four blocks a context's own items are as near as the spread says, sqrt(2 width) times it; the others are further away."""
    vectors, queries = drawn(np.random.default_rng(0), 2_000, 4)
    distances = np.linalg.norm(vectors[:, None] - queries[None], axis=2)
    own = SPREAD * np.sqrt(2 * WIDTH)

    assert (vectors.shape, vectors.dtype, queries.shape) == ((2_000, WIDTH), np.float32, (QUERIES, WIDTH))
    assert float(np.median(distances.min(axis=1))) < own < float(np.median(distances))
    assert 0.15 < (distances < 1.5 * own).mean() < 0.4


def test_every_query_is_searched_under_the_filter() -> None:
    """Only wanted positions are found, and each query's own."""
    vectors, queries = drawn(np.random.default_rng(1), 500, 0)
    wanted = np.arange(500) % 2 == 0
    searched = search(ExactIndex(vectors), queries, wanted)

    assert all((found % 2 == 0).all() for found in searched.found)
    assert [int(found[0]) for found in searched.found] == (2 * (vectors[::2] @ queries.T).argmax(axis=0)).tolist()


def test_the_index_is_compared_with_the_exact_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six lines a table; the exact search finds all, the index nearly all where there are blocks, and all that a narrow filter leaves."""
    pytest.importorskip("faiss")
    monkeypatch.setattr(retrieval, "BLOCKS", 20)
    found = [{str(row[0]): float(row[-1] or 0.0) for row in table.rows} for table in tables(1, 20_000)]

    for table in found:
        assert table["exact"] == 1.0
        assert table["approximate, 1 of 1,000 left by a filter"] == 1.0
    assert found[0]["approximate"] > 0.9
