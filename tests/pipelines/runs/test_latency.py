"""What serving a bundle takes, measured by the code that serves; no figure of time is looked at but for its sign."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ihas_pipelines.runs.latency import memory_bytes, serving_cost
from tests.ihas.bundle_factory import small_bundle, summed_bundle


def test_memory_is_counted_by_hand() -> None:
    """Tables of 24 and 9 numbers; routing by sums 13 rows of two int16 and a bias; three items of four slots and their counts; graphs.

    A table that two models share counts once.
    """
    bundle = summed_bundle()
    graphs = sum(len(model.graph) for model in bundle.models)
    tables = 4 * (bundle.models[0].table.size + bundle.models[1].table.size)
    sums = 2 * 2 * bundle.encoder.layout.num_rows + 2 * 4
    items = bundle.items
    assert items is not None
    expected = graphs + tables + sums + items.ids.nbytes + items.popularity.nbytes

    assert memory_bytes(bundle) == expected
    shared = dataclasses.replace(bundle.models[1], table=bundle.models[0].table)
    assert memory_bytes(dataclasses.replace(bundle, models=(bundle.models[0], shared))) == expected - bundle.models[1].table.nbytes


def test_gates_and_centroids_count_where_they_route() -> None:
    """The nearest centroid needs the router's table of 13 rows, two centroids, a kernel of 6 x 6, the gates' mean and scale, and a bias
    that is the mean's array here; a model that serves all rows alike reads none of them."""
    bundle = small_bundle()
    router = dataclasses.replace(bundle.router, centroids=np.zeros((1, 6), np.float32))
    alone = dataclasses.replace(bundle, models=bundle.models[:1], model_of_group=(0,), router=router)
    second = bundle.models[1]

    assert memory_bytes(bundle) - memory_bytes(alone) == 4 * (13 * 2 + 2 * 6 + 36 + 6 + 6) + second.table.nbytes + len(second.graph)


@pytest.mark.parametrize("with_items", [True, False])
def test_latency_is_measured_of_a_row_and_of_candidates(with_items: bool) -> None:
    """Seven candidates of three items repeat them; without an item table whole rows are scored. The item arrays are in memory, too."""
    bundle = small_bundle()
    if not with_items:
        bundle = dataclasses.replace(bundle, items=None)
    cost = serving_cost(bundle, 7)

    assert cost.candidates == 7
    assert cost.row_p99_us > 0.0
    assert cost.candidates_p99_us > 0.0
    assert cost.memory_bytes >= memory_bytes(bundle)
