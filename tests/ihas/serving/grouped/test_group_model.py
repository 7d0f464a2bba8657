"""A path gathers its kept dimensions and runs its graph."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.bundle.values import ExportedModel, TwoSided
from ihas.data.layout import PADDING, FieldLayout
from ihas.errors import BundleCorruptError
from ihas.routing.router import embed
from ihas.serving.grouped.group_model import ServedGroupModel
from tests.ihas.bundle_factory import LOGITS, linear_graph, rows, small_bundle

LAYOUT = FieldLayout(("a", "b", "c"), (3, 4, 2), (1, 2, 1))
BUNDLE = small_bundle()
IDS = BUNDLE.encoder.encode_rows(rows())
OPEN = np.ones((len(IDS), 6), bool)


def _random_path(rng: np.random.Generator, mask: np.ndarray) -> tuple[ExportedModel, np.ndarray]:
    """A path cut out of a random full table, and that table."""
    table = rng.normal(size=(LAYOUT.num_rows, mask.shape[1])).astype(np.float32)
    blocks = np.split(table, LAYOUT.first_rows[1:])
    ragged = np.concatenate([block[:, kept].ravel() for block, kept in zip(blocks, mask, strict=True)])
    return ExportedModel("random", mask, False, ragged, None, linear_graph(np.ones(int(mask.sum())), 0.0)), table


def _random_ids(rng: np.random.Generator, count: int) -> np.ndarray:
    columns = [rng.integers(0, 3, count), rng.integers(3, 7, count), rng.integers(3, 7, count), rng.integers(7, 9, count)]
    ids = np.stack(columns, axis=1).astype(np.int32)
    ids[::2, 2] = PADDING
    return ids


def test_values_by_hand() -> None:
    """ada with m1 reads user 1, the mean 2 of genres 1 and 3, and movie (1, 0); the second path reads user 1 and movie 1."""
    first, second = (ServedGroupModel(path, BUNDLE.encoder.layout) for path in BUNDLE.models)
    np.testing.assert_array_equal(first.values(IDS[:1], OPEN[:1]), [[1, 2, 1, 0]])
    np.testing.assert_array_equal(second.values(IDS[:1], OPEN[:1]), [[1, 1]])
    assert (first.kept_dims, second.kept_dims) == ((1, 1, 2), (1, 0, 1))


def test_logits_by_hand() -> None:
    """The first path gives ada the logits of the table in the factory."""
    model = ServedGroupModel(BUNDLE.models[0], BUNDLE.encoder.layout)
    np.testing.assert_array_equal(model.logits(IDS[:3], OPEN[:3]), list(LOGITS["ada"].values()))


def test_no_rows_have_no_logits() -> None:
    """No rows give no logits."""
    assert ServedGroupModel(BUNDLE.models[0], BUNDLE.encoder.layout).logits(IDS[:0], OPEN[:0]).shape == (0,)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(0.1, 1.0))
def test_values_are_the_kept_columns_of_the_embedding(seed: int, dim: int, share: float) -> None:
    """Gathering from the ragged table is embedding in full and dropping what the mask drops."""
    rng = np.random.default_rng(seed)
    mask = rng.random((3, dim)) < share
    mask[1, 0] = True
    path, table = _random_path(rng, mask)
    ids = _random_ids(rng, 9)
    expected = embed(ids, table, LAYOUT)[:, mask.reshape(-1)]
    np.testing.assert_allclose(ServedGroupModel(path, LAYOUT).values(ids, np.ones((9, 3 * dim), bool)), expected, rtol=1e-6)


def test_gated_path_multiplies_by_the_rows_own_gates() -> None:
    """Of a row whose gates are all closed only the bias is left; one open gate adds one value."""
    path, table = _random_path(np.random.default_rng(0), np.ones((3, 2), bool))
    model = ServedGroupModel(dataclasses.replace(path, gated=True, graph=linear_graph(np.ones(6), 0.5)), LAYOUT)
    gates = np.zeros((2, 6), bool)
    gates[1, 1] = True
    ids = np.repeat(_random_ids(np.random.default_rng(1), 1), 2, axis=0)
    np.testing.assert_allclose(model.logits(ids, gates), [0.5, 0.5 + table[ids[0, 0], 1]], rtol=1e-6)


def test_first_order_weights_are_added() -> None:
    """Weights 0, 1, 2, ... of the rows' ids come to the logit; of several values, the mean."""
    path, _ = _random_path(np.random.default_rng(0), np.ones((3, 2), bool))
    graph = linear_graph(np.zeros(6), 0.0, first_order=True)
    model = ServedGroupModel(dataclasses.replace(path, first_order=np.arange(9, dtype=np.float32), graph=graph), LAYOUT)
    ids = np.array([[1, 3, 6, 8], [0, 5, PADDING, 7]], np.int32)
    np.testing.assert_allclose(model.logits(ids, np.ones((2, 6), bool)), [1 + 4.5 + 8, 0 + 5 + 7])


@pytest.mark.parametrize("graph", [b"", b"no graph", linear_graph(np.ones(4), 0.0)[:-3]])
def test_unreadable_graph_is_refused(graph: bytes) -> None:
    """A graph that ONNX Runtime cannot load is a corrupt bundle, named by its path."""
    with pytest.raises(BundleCorruptError, match="group-0"):
        ServedGroupModel(dataclasses.replace(BUNDLE.models[0], graph=graph), BUNDLE.encoder.layout)


def test_graph_with_other_inputs_is_refused() -> None:
    """A graph that wants first-order weights on a path without them is refused at once, not at the first request."""
    graph = linear_graph(np.ones(4), 0.0, first_order=True)
    with pytest.raises(BundleCorruptError, match="first_order"):
        ServedGroupModel(dataclasses.replace(BUNDLE.models[0], graph=graph), BUNDLE.encoder.layout)


def test_sums_of_a_path_without_a_split_are_nobodys() -> None:
    """A path that scores whole rows does not take sums."""
    with pytest.raises(RuntimeError, match="group-0"):
        ServedGroupModel(BUNDLE.models[0], BUNDLE.encoder.layout).logits_of_sums(np.zeros((1, 2), np.float32))


def test_a_split_whose_graph_takes_other_inputs_is_refused() -> None:
    """The graph of a split reads sums; one that reads values is refused when the bundle is loaded."""
    split = TwoSided(np.ones((4, 1), np.float32), np.zeros(1, np.float32), False, linear_graph(np.ones(1), 0.0))
    with pytest.raises(BundleCorruptError, match="sums"):
        ServedGroupModel(dataclasses.replace(BUNDLE.models[0], two_sided=split), BUNDLE.encoder.layout)
