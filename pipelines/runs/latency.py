"""What a bundle costs where it serves, by the code that serves: latency of a row and of a context's candidates, and memory.

Latencies are 99th percentiles of a fixed number of calls, one after the other in one thread, after a warm-up. They are told as measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ihas.bundle.values import Bundle
from ihas.config.base import Config
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import AnyRouter, sums_of
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.model import GroupedModel

ROW_CALLS, CANDIDATE_CALLS, WARM_UP = 500, 100, 0.1
"""Calls that are measured, and the share of them that goes before."""


class ServingCost(Config):
    """What a bundle was measured to take."""

    memory_bytes: int
    """Bytes of tables, graphs and item arrays in memory."""
    row_p99_us: float
    """99th percentile of the time to score one row, in microseconds."""
    candidates: int
    """Candidates of one context."""
    candidates_p99_us: float
    """99th percentile of the time to score them, in microseconds."""


def serving_cost(bundle: Bundle, candidates: int) -> ServingCost:
    """Measure a bundle: its golden rows one by one, then the context of each golden row with as many candidates.

    Candidates are the item table's first items, over and over where it has fewer; without one, whole rows of the same context.
    """
    model = GroupedModel(bundle)
    sides = None if bundle.items is None else CandidateModel(model, bundle, bundle.items)
    return ServingCost(
        memory_bytes=memory_bytes(bundle) + (0 if sides is None else sides.arrays.nbytes),
        row_p99_us=_p99_us(lambda row: _logits(model, row[None]), bundle.golden.ids, ROW_CALLS),
        candidates=candidates,
        candidates_p99_us=_p99_us(_ranking(bundle, model, sides, candidates), bundle.golden.ids, CANDIDATE_CALLS),
    )


def _ranking(bundle: Bundle, model: GroupedModel, sides: CandidateModel | None, candidates: int) -> Callable[[np.ndarray], object]:
    """Scores the candidates of a row's context."""
    if sides is None or bundle.items is None:
        return lambda row: _logits(model, np.repeat(row[None], candidates, axis=0))
    positions, context = np.arange(candidates) % len(bundle.items.names), bundle.encoder.slots_of("context")
    return lambda row: sides.score(row[context], positions)


def _logits(model: GroupedModel, ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """Logits of every label: int32 (rows, num_slots) -> float32 (rows,) each."""
    return model.logits(ids)[1], *model.task_logits(ids)


def _p99_us(call: Callable[[np.ndarray], object], rows: np.ndarray, calls: int) -> float:
    took = np.empty(calls)
    for number in range(-int(WARM_UP * calls), calls):
        row = rows[number % len(rows)]
        began = time.perf_counter()
        call(row)
        if number >= 0:
            took[number] = time.perf_counter() - began
    return round(float(np.quantile(took, 0.99)) * 1e6, 1)


def memory_bytes(bundle: Bundle) -> int:
    """Bytes of a bundle's arrays and graphs that requests read; an array that several models share counts once."""
    arrays = [array for model in bundle.models for array in (model.table, model.first_order) if array is not None]
    sides = [model.two_sided for model in bundle.models if model.two_sided is not None]
    arrays += [array for side in sides for array in (side.kernel, side.bias)]
    if bundle.router.num_groups > 1 or any(model.gated for model in bundle.models):
        arrays += _router_arrays(bundle.router)
    if bundle.items is not None:
        arrays += [bundle.items.ids, bundle.items.popularity]
    if bundle.retrieval is not None:
        query = bundle.retrieval.query
        arrays += [bundle.retrieval.items, query.table, *query.kernels, *query.biases]
    graphs = sum(len(model.graph) for model in bundle.models) + sum(len(side.graph) for side in sides)
    return graphs + sum({_place(array): array.nbytes for array in arrays}.values())


def _router_arrays(router: AnyRouter) -> list[np.ndarray]:
    sums = sums_of(router)
    arrays = [] if sums is None else [sums.weights, sums.bias]
    if isinstance(router, AdditiveRouter):
        return arrays
    return [*arrays, router.table, router.centroids, router.gates.mean, router.gates.scale, *router.gates.kernels, *router.gates.biases]


def _place(array: np.ndarray) -> tuple[int, int]:
    """Where an array's numbers lie: two views of the same numbers are in one place."""
    return int(array.__array_interface__["data"][0]), array.nbytes
