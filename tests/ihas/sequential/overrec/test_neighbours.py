"""Exact nearest prefixes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.config.overrec import KernelConfig
from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences, prefixes
from ihas.sequential.overrec.neighbours import NeighbourIndex, Neighbours
from ihas.sequential.overrec.recursion import Tables, pair_value

pytestmark = pytest.mark.full

MAX_LENGTH = 50
CONFIGS = [
    KernelConfig(),
    KernelConfig(function="nngp", sigma_w=0.5),
    KernelConfig(activation="erf", sigma_b=0.3, num_layers=2),
    KernelConfig(activation="linear"),
    KernelConfig(mode="reference"),
    KernelConfig(normalize=True, sigma_w=1.4142),
]


def _compared(read: Tables, histories: Sequences, query: np.ndarray) -> np.ndarray:
    """Values of a query and every history: float64 (histories,)."""
    state, ends = np.zeros((2, read.q.shape[1])), histories.offsets[1:] - 1
    pairs = zip(ends.tolist(), histories.lengths.tolist(), strict=True)
    return np.array([pair_value(read.parts, state, query, histories.items, end, length) for end, length in pairs])


def check_against_all_pairs(found: Neighbours, index: NeighbourIndex, training: Sequences, queries: Sequences) -> None:
    """Values, targets and order are those of comparing each query with every prefix; of equal values the first prefix comes first."""
    every = prefixes(training)
    histories = every.histories.last(index.max_length)
    numbers = np.concatenate(
        [np.arange(begin, max(begin, end - 1)) for begin, end in zip(training.offsets[:-1], training.offsets[1:], strict=True)]
    )
    k = found.values.shape[1]
    for row, query in enumerate(queries.last(index.max_length)):
        values = _compared(index.tables, histories, query)
        best = np.argsort(-values, kind="stable")[:k]
        assert (found.values[row, : len(best)] == values[best]).all()
        assert found.targets[row, : len(best)].tolist() == every.targets[best].tolist()
        assert found.prefixes[row, : len(best)].tolist() == numbers[best].tolist()
        assert (found.prefixes[row, len(best) :] == -1).all()


def _drawn(rng: np.random.Generator, count: int, num_items: int, longest: int) -> Sequences:
    """Sequences with repeats; small numbers of items make ties, large ones leave pairs without a match."""
    return Sequences.of([np.minimum(rng.zipf(1.4, rng.integers(1, longest + 1)) - 1, num_items - 1) for _ in range(count)])


@pytest.mark.parametrize("config", CONFIGS)
def test_random_queries_are_those_of_all_pairs(config: KernelConfig) -> None:
    """A thousand random queries (fewer for other kernels than the first) of 1 to 50 items, with repeats and unknown items."""
    rng, count = np.random.default_rng(0), 250 if config == CONFIGS[0] else 60
    for num_items, k in ((3, 5), (40, 10), (2000, 100), (12, 1)):
        training = _drawn(rng, 12, num_items, MAX_LENGTH + 10)
        queries = Sequences.of(
            [np.where(rng.random(len(one)) < 0.1, num_items + 5, one) for one in _drawn(rng, count, num_items, MAX_LENGTH)]
        )
        index = NeighbourIndex.of(training, config, MAX_LENGTH)
        check_against_all_pairs(index.search(queries, k), index, training, queries)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_sequences(data: st.DataObject) -> None:
    """Whatever the sequences, among them empty ones and single items, and whatever k."""
    num_items = data.draw(st.integers(1, 6))
    drawn = st.lists(st.integers(0, num_items - 1), max_size=8)
    training = Sequences.of(data.draw(st.lists(drawn, min_size=1, max_size=8)))
    queries = Sequences.of(data.draw(st.lists(drawn.filter(bool), min_size=1, max_size=4)))
    index = NeighbourIndex.of(training, data.draw(st.sampled_from(CONFIGS)), data.draw(st.integers(1, 6)))
    check_against_all_pairs(index.search(queries, data.draw(st.integers(1, 30))), index, training, queries)


def test_threads_do_not_matter() -> None:
    """Two threads find what one finds."""
    rng = np.random.default_rng(1)
    training, queries = _drawn(rng, 60, 100, 30), _drawn(rng, 700, 100, 30)
    index = NeighbourIndex.of(training, KernelConfig(), MAX_LENGTH)
    alone, together = index.search(queries, 10), index.search(queries, 10, num_threads=2)
    assert (alone.prefixes == together.prefixes).all()
    assert (alone.values == together.values).all()


def test_added_items_are_found() -> None:
    """What is added in two steps is found as in one index of everything: more items of known users, and a new user with a new item."""
    whole = Sequences.of([[0, 1, 2, 3, 1], [2, 1, 0, 2], [3, 3, 1], [0, 4, 2, 1]])
    index = NeighbourIndex.of(Sequences.of([[0, 1, 2], [2, 1, 0, 2], [3]]), KernelConfig(), MAX_LENGTH)
    grown = index.extended(Sequences.of([[0, 1, 2, 3], [3, 3, 1]]), np.array([3, 1]))
    grown = grown.extended(Sequences.of([[0, 1, 2, 3, 1], [0, 4, 2, 1]]), np.array([4, 0]))
    queries = Sequences.of([[1, 2], [4], [0, 1, 2, 3], [9, 3], [3, 3]])
    found, expected = grown.search(queries, 20), NeighbourIndex.of(whole, KernelConfig(), MAX_LENGTH).search(queries, 20)
    assert grown.num_prefixes == len(prefixes(whole))
    assert index.num_prefixes == 5
    np.testing.assert_array_equal(found.values, expected.values)
    for row in range(len(queries)):
        assert _pairs(found, row) == _pairs(expected, row)
        assert (np.diff(found.prefixes[row][:10])[np.diff(found.values[row][:10]) == 0] > 0).all()


def _pairs(found: Neighbours, row: int) -> list[tuple[float, int]]:
    return sorted(zip(found.values[row].tolist(), found.targets[row].tolist(), strict=True))


def test_no_prefixes_have_no_neighbours() -> None:
    """Sequences of one item have no prefix with a target, so every place stays empty."""
    found = NeighbourIndex.of(Sequences.of([[0], [1], []]), KernelConfig(), 5).search(Sequences.of([[0]]), 3)
    assert (found.prefixes == -1).all()
    assert (found.targets == -1).all()
    assert (found.values == 0.0).all()


def test_first_neighbours_do_not_depend_on_k() -> None:
    """The first few of many neighbours are those of asking for a few."""
    rng = np.random.default_rng(2)
    index = NeighbourIndex.of(_drawn(rng, 30, 20, 20), KernelConfig(), MAX_LENGTH)
    queries = _drawn(rng, 20, 20, 10)
    assert (index.search(queries, 50).first(7).prefixes == index.search(queries, 7).prefixes).all()


@pytest.mark.parametrize(
    ("sequences", "query", "k", "config", "law"),
    [
        ([[0, 1]], [], 1, {}, "a history must have an item"),
        ([[0, 1]], [0], 0, {}, "`k` must be at least 1"),
        ([[0, -1]], [0], 1, {}, "numbered from 0, but got -1"),
        ([[0, 1]], [0], 1, {"pooling": "average"}, "`pooling` must be 'last'"),
    ],
)
def test_refuses_what_has_no_answer(sequences: list[list[int]], query: list[int], k: int, config: dict[str, Any], law: str) -> None:
    """Empty histories, a senseless k, items out of range and pooling by average are refused."""
    with pytest.raises(ConfigError, match=f"(?i){law}"):
        NeighbourIndex.of(Sequences.of(sequences), KernelConfig(**config), 5).search(Sequences.of([query]), k)
