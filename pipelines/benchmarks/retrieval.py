"""What an approximate index of item vectors finds and costs beside the exact search, where items are too many for that.

    recall@n = share of the n items with the largest product that are among the n which the index gives first

A request retrieves `LEAST` items at the least, so that many are asked for.
Vectors of the usual width in blocks, as items that are alike have them: centres are standard normal, an item is one of them plus
`SPREAD` standard normal, and so is a context. Without blocks the vectors have nothing that an inverted file could use: the worst case.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ihas.config.retrieval import RetrievalConfig
from ihas.serving.retrieval.retriever import LEAST
from ihas.serving.retrieval.vector_index import ExactIndex, VectorIndex, vector_index
from ihas_pipelines.benchmarks.table import Cell, Table

ITEMS, BLOCKS, SPREAD = 1_200_000, 1_000, 0.5
WIDTH = RetrievalConfig().width
QUERIES, FIRST = 50, 100
FILTERED = (10, 1_000)
"""One item in so many is left by a filter."""


@dataclass(frozen=True)
class Searched:
    """An index at work.

    Attributes:
        cpu, wall: seconds a query.
        found: positions, a row a query.
    """

    cpu: float
    wall: float
    found: tuple[np.ndarray, ...]


def tables(repetitions: int, rows: int = ITEMS) -> Iterator[Table]:
    """One table with blocks, one without; `rows` is the number of items."""
    for blocks in (BLOCKS, 0):
        vectors, queries = drawn(np.random.default_rng(0), rows, blocks)
        yield _table(
            f"{rows:,} vectors of {WIDTH}, {f'in {blocks:,} blocks' if blocks else 'without blocks'}", vectors, queries, repetitions
        )


def drawn(rng: np.random.Generator, items: int, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of items float32 (items, WIDTH) and of contexts float32 (QUERIES, WIDTH), in blocks or, with 0 of them, anywhere."""
    if not blocks:
        return rng.standard_normal((items, WIDTH), np.float32), rng.standard_normal((QUERIES, WIDTH), np.float32)
    centres = rng.standard_normal((blocks, WIDTH), np.float32)
    return _around(rng, centres, items), _around(rng, centres, QUERIES)


def _around(rng: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    near = rng.standard_normal((count, WIDTH), np.float32)
    near *= np.float32(SPREAD)
    near += centres[rng.integers(0, len(centres), count)]
    return near


def _table(title: str, vectors: np.ndarray, queries: np.ndarray, repetitions: int) -> Table:
    built = [_built(lambda: ExactIndex(vectors)), _built(lambda: vector_index(vectors, 0))]
    lines: list[tuple[Cell, ...]] = []
    for left in (1, *FILTERED):
        name, wanted = ("", None) if left == 1 else (f", 1 of {left:,} left by a filter", np.arange(len(vectors)) % left == 0)
        searched = [min((search(index, queries, wanted) for _ in range(repetitions)), key=lambda one: one.cpu) for index, _, _ in built]
        for (index, cpu, wall), one in zip(built, searched, strict=True):
            recalls = (recall(one.found, searched[0].found, FIRST), recall(one.found, searched[0].found, LEAST))
            lines.append((f"{index.method}{name}", cpu, wall, one.cpu * 1e3, one.wall * 1e3, *recalls))
    costs = ("build, CPU s", "build, s", "CPU ms a query", "ms a query")
    return Table(title, ("", *costs, f"recall@{FIRST}", f"recall@{LEAST:,}"), tuple(lines))


def _built(make: Callable[[], VectorIndex]) -> tuple[VectorIndex, float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    index = make()
    return index, time.process_time() - cpu, time.perf_counter() - wall


def search(index: VectorIndex, queries: np.ndarray, wanted: np.ndarray | None) -> Searched:
    """Every query once."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = tuple(index.search(query, LEAST, wanted) for query in queries)
    return Searched((time.process_time() - cpu) / len(queries), (time.perf_counter() - wall) / len(queries), found)


def recall(found: tuple[np.ndarray, ...], right: tuple[np.ndarray, ...], n: int) -> float:
    """Mean share of the first n right positions that are among the first n found."""
    return float(np.mean([np.isin(best[:n], some[:n]).mean() for some, best in zip(found, right, strict=True)]))
