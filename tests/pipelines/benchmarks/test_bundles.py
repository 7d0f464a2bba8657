"""Random bundles are bundles: they can be written, read, verified and served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_pipelines.benchmarks.bundles import BundleShape, context_of, kernels_of, random_bundle, random_ids, row_of

SMALL = {"hidden": (5, 3), "num_fields": 6, "num_users": 20, "num_items": 15, "num_values": 7, "dim": 4}
SHAPES = {
    "plain": BundleShape(**SMALL),  # type: ignore[arg-type]  # one dictionary of several types
    "grouped": BundleShape(**SMALL, num_groups=3),  # type: ignore[arg-type]
    "gated": BundleShape(**SMALL, num_groups=3, gated=True, gate_form="mlp"),  # type: ignore[arg-type]
    "without items": BundleShape(**SMALL, with_items=False),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_random_bundle_serves(shape: BundleShape, tmp_path: Path) -> None:
    """Written, read back and verified by its golden rows, it scores rows and, with an item table, recommends all its items."""
    bundle = random_bundle(shape)
    write_bundle(bundle, tmp_path / "bundle")
    recommender = load_recommender(tmp_path / "bundle")
    row = row_of(bundle, random_ids(bundle, 1, np.random.default_rng(0))[0])

    assert recommender.score([row])[0].unknown_values == ()
    assert (bundle.items is None) == (not shape.with_items)
    if shape.with_items:
        assert len(recommender.recommend(RecommendRequest(context_of(bundle, row), k=100)).items) == shape.num_items
    assert len(bundle.models) == (1 if shape.gated else shape.num_groups)


def test_seeds_are_obeyed() -> None:
    """The same seed gives the same weights, another one others."""
    first, again, other = (random_bundle(SHAPES["plain"], seed).router.table for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_kernels_are_read_back_from_the_graph() -> None:
    """The graph's layers, applied by hand, give the golden logits."""
    bundle = random_bundle(SHAPES["plain"])
    values = bundle.router.table[bundle.golden.ids].reshape(len(bundle.golden.ids), -1)
    for number, (kernel, bias) in enumerate(kernels_of(bundle.models[0])):
        values = (np.maximum(values, 0.0) if number else values) @ kernel + bias

    np.testing.assert_allclose(values[:, 0], bundle.golden.logits, rtol=1e-5, atol=1e-5)
