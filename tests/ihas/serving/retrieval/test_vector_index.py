"""The nearest of many vectors."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from ihas.serving.retrieval.vector_index import FEW, ApproximateIndex, ExactIndex, VectorIndex, largest, vector_index


def _vectors(number: int, seed: int = 0) -> np.ndarray:
    """Vectors around fifty centres."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(50, 8))[rng.integers(0, 50, number)] + 0.3 * rng.normal(size=(number, 8))).astype(np.float32)


@pytest.mark.parametrize(("n", "expected"), [(1, [1]), (2, [1, 3]), (3, [1, 3, 0]), (9, [1, 3, 0, 2, 4])])
def test_equal_values_come_in_their_order_also_at_the_border(n: int, expected: list[int]) -> None:
    """By hand: 2 5 2 5 1; of the two twos the first is let in."""
    assert largest(np.array([2.0, 5.0, 2.0, 5.0, 1.0]), n).tolist() == expected


def test_exact_search_is_the_whole_order() -> None:
    """The nearest by one product are those of the whole sorted order, among the wanted alone where some are named."""
    vectors, query = _vectors(2_000), _vectors(1, 1)[0]
    order = np.argsort(-(vectors @ query), kind="stable")
    assert ExactIndex(vectors).search(query, 20, None).tolist() == order[:20].tolist()
    wanted = np.arange(2_000) % 3 == 0
    assert ExactIndex(vectors).search(query, 20, wanted).tolist() == [row for row in order.tolist() if wanted[row]][:20]


def test_approximate_search_finds_nearly_all() -> None:
    """With an eighth of the centres searched, more than nine of ten of the exact nearest are found, and only wanted ones."""
    vectors, queries = _vectors(20_000), _vectors(20, 1)
    exact, approximate = ExactIndex(vectors), ApproximateIndex(vectors, faiss)
    found = [len(np.intersect1d(exact.search(query, 50, None), approximate.search(query, 50, None))) / 50 for query in queries]
    assert np.mean(found) > 0.9
    wanted = np.arange(20_000) % 2 == 0
    assert wanted[approximate.search(queries[0], 50, wanted)].all()


def test_a_narrow_filter_is_searched_exactly() -> None:
    """Where the filter leaves few, and where the searched centres hold too few of the wanted, the exact nearest are found."""
    vectors, query = _vectors(5_000), _vectors(1, 1)[0]
    exact, approximate = ExactIndex(vectors), ApproximateIndex(vectors, faiss)
    for step, n in ((500, 10), (FEW, 10), (FEW, 250), (FEW // 2, 500)):
        wanted = np.arange(5_000) % step == 0
        assert approximate.search(query, n, wanted).tolist() == exact.search(query, n, wanted).tolist()


@pytest.mark.parametrize(("max_exact", "method"), [(100, "exact"), (99, "approximate")])
def test_the_number_of_vectors_decides(max_exact: int, method: str) -> None:
    """Up to the limit search is exact, beyond it approximate."""
    index: VectorIndex = vector_index(_vectors(100), max_exact)
    assert index.method == method
