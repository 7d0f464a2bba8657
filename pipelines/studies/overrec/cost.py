"""Seconds and memory: the exact search against comparing all pairs, in turns, and with more and more prefixes."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ihas.config.overrec import KernelConfig
from ihas.errors import TrainingError
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.data.sequences import LeaveOneOut, Sequences, leave_one_out, prefixes
from ihas.sequential.overrec.kernel import similarities
from ihas.sequential.overrec.neighbours import NeighbourIndex
from ihas_pipelines.kinds.overrec.choice import Say
from ihas_pipelines.studies.overrec.plan import CostPlan
from ihas_pipelines.studies.overrec.table import Study, StudyTable

MAX_LENGTH = 50
GROWTH = (4, 2, 1)


@dataclass(frozen=True)
class Timed:
    """Seconds of one turn, and what it found."""

    seconds: float
    found: np.ndarray


def measure_cost(plan: CostPlan, say: Say) -> Study:
    """All tables of a plan. The first search, which compiles, is not counted."""
    parts = leave_one_out(read_sequences(plan.data).sequences)
    NeighbourIndex.of(parts.train, KernelConfig(), MAX_LENGTH).search(parts.test.histories.take(np.arange(1)), 1)
    growth = _growth(plan, parts, say)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return Study(study=plan.study, data=plan.data.path.name, tables=(growth, _against_all_pairs(plan, parts, memory, say)))


def _growth(plan: CostPlan, parts: LeaveOneOut, say: Say) -> StudyTable:
    """The same queries against a quarter, a half and all of the users."""
    rows = []
    for share in GROWTH:
        say(f"1 / {share} of the users")
        some = parts.train.take(np.arange(0, len(parts.train), share))
        turns = [_search(some, parts.test.histories, plan) for _ in range(plan.rounds)]
        built, searched = (statistics.median(seconds) for seconds in zip(*[turn[:2] for turn in turns], strict=True))
        rows.append((f"1/{share}", int(turns[0][2]), len(parts.test), built, searched, 1e3 * searched / len(parts.test)))
    columns = ("users", "prefixes", "queries", "seconds to index", "seconds to search", "ms a query")
    title = f"Growth with the number of prefixes, k = {plan.num_neighbours}, {plan.threads} thread(s)"
    return StudyTable(title=title, columns=columns, rows=tuple(rows))


def _search(training: Sequences, queries: Sequences, plan: CostPlan) -> tuple[float, float, int]:
    began = time.perf_counter()
    index = NeighbourIndex.of(training, KernelConfig(), MAX_LENGTH)
    built = time.perf_counter()
    index.search(queries, plan.num_neighbours, plan.threads)
    return built - began, time.perf_counter() - built, index.num_prefixes


def _against_all_pairs(plan: CostPlan, parts: LeaveOneOut, memory: float, say: Say) -> StudyTable:
    every = prefixes(parts.train).histories.last(MAX_LENGTH)
    some = parts.test.histories.take(np.linspace(0, len(parts.test) - 1, plan.dense_queries).astype(np.int64)).last(MAX_LENGTH)
    index = NeighbourIndex.of(parts.train, KernelConfig(), MAX_LENGTH)

    def dense() -> np.ndarray:
        return -np.sort(-similarities(KernelConfig(), some, every), axis=1)[:, : plan.num_neighbours]

    def exact() -> np.ndarray:
        return index.search(some, plan.num_neighbours, plan.threads).values

    turns: dict[str, list[float]] = {"dense": [], "exact": []}
    for number in range(plan.rounds):
        say(f"in turns, {number + 1} of {plan.rounds}")
        slow, fast = _timed(dense), _timed(exact)
        if not np.allclose(slow.found, fast.found, rtol=1e-9):
            raise TrainingError("Both ways must find the same values, but they do not. This is a fault of iHAS; please report it.")
        turns["dense"].append(slow.seconds / len(some))
        turns["exact"].append(fast.seconds / len(some))
    ratios = sorted(slow / fast for slow, fast in zip(turns["dense"], turns["exact"], strict=True))
    ms = {name: 1e3 * statistics.median(seconds) for name, seconds in turns.items()}
    whole = len(parts.test)
    return StudyTable(
        title=f"Against all pairs, {len(some)} queries in turns, {plan.rounds} rounds",
        columns=("way", "ms a query", f"seconds for {whole:,} queries", "peak MiB"),
        rows=(
            ("all pairs, vectorised, one thread", ms["dense"], ms["dense"] * whole / 1e3, None),
            ("exact search", ms["exact"], ms["exact"] * whole / 1e3, memory),
        ),
        note=f"Ratio of one turn to the next: median {statistics.median(ratios):,.0f}, from {ratios[0]:,.0f} to {ratios[-1]:,.0f}. "
        "Seconds for all queries are scaled up. Peak memory is that of the process at the end of the search of all queries.",
    )


def _timed(work: Callable[[], np.ndarray]) -> Timed:
    began = time.perf_counter()
    found = work()
    return Timed(time.perf_counter() - began, found)
