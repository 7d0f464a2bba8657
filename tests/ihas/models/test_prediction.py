"""Logits of many rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.layout import PADDING, FieldLayout
from ihas.layers.gates import BernoulliGates
from ihas.models import prediction
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows, GroupModel, predict, predict_gated, predict_groups

pytestmark = pytest.mark.tf

LAYOUT, DIM, ROWS = FieldLayout(("a", "b"), (4, 5), (1, 2)), 3, 40
CONFIG = LearningConfig(backbone=BackboneConfig(hidden=(4,)), training=TrainingConfig(embedding_dim=DIM))


def _rows(rows: int = ROWS) -> Dataset:
    rng = np.random.default_rng(0)
    ids = np.column_stack([rng.integers(0, 4, rows), rng.integers(4, 9, (rows, 2))]).astype(np.int32)
    ids[::3, 2] = PADDING
    return Dataset(LAYOUT, ids, rng.integers(0, 2, rows).astype(np.float32))


def _weights(seed: int) -> NetworkWeights:
    rng = np.random.default_rng(seed)
    return dataclasses.replace(fresh_weights(LAYOUT, CONFIG, rng), table=rng.normal(size=(9, DIM)).astype(np.float32))


def _mask(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((2, DIM)) < 0.6


def _alone(model: GroupModel, rows: Dataset) -> np.ndarray:
    """Logits of rows from one model, by a network of its own."""
    network = Network(LAYOUT, CONFIG.backbone, DIM)
    network.assign(model.weights)
    return np.asarray(network.predict_masked(rows.ids, np.tile(model.mask.reshape(1, -1), (len(rows), 1)).astype(np.float32)))


def test_rows_with_their_groups() -> None:
    """One group is group 0 for every row; taken rows keep their groups."""
    rows = GroupedRows(_rows(4), np.array([2, 0, 1, 0], np.int32))
    assert GroupedRows.one_group(rows.rows).group.tolist() == [0] * 4
    for chosen in (np.array([True, False, True, False]), np.array([0, 2])):
        taken = rows.take(chosen)
        assert taken.group.tolist() == [2, 1]
        np.testing.assert_array_equal(taken.rows.ids, rows.rows.ids[[0, 2]])


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows predicted in blocks of 7 get what they get at once; no rows get no logits."""
    rows, network = GroupedRows.one_group(_rows()), Network(LAYOUT, CONFIG.backbone, DIM)
    network.assign(_weights(1))
    at_once = predict(network, rows)
    monkeypatch.setattr(prediction, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(predict(network, rows), at_once, rtol=1e-5, atol=1e-6)
    empty = predict(network, rows.take(np.zeros(0, np.int64)))
    np.testing.assert_array_equal(empty, np.zeros(0, np.float32), strict=True)


def test_each_row_is_scored_by_its_groups_model() -> None:
    """Groups that share a model and groups with their own get that model's logits under the group's mask."""
    shared, own = _weights(1), _weights(2)
    models = (GroupModel("shared", shared, _mask(1)), GroupModel("group-2", own, _mask(2)), GroupModel("shared", shared, _mask(3)))
    rows = _rows()
    group = np.random.default_rng(4).integers(0, 3, ROWS).astype(np.int32)
    found = predict_groups(models, GroupedRows(rows, group), CONFIG)
    expected = np.stack([_alone(model, rows) for model in models])[group, np.arange(ROWS)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_group_may_be_empty_or_hold_one_row() -> None:
    """A model without rows is not in the way, and one row is enough."""
    models = tuple(GroupModel(f"group-{i + 1}", _weights(i), _mask(i)) for i in range(3))
    rows, group = _rows(5), np.array([2, 2, 0, 2, 2], np.int32)
    found = predict_groups(models, GroupedRows(rows, group), CONFIG)
    np.testing.assert_allclose(found[2], _alone(models[0], rows)[2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[[0, 1, 3, 4]], _alone(models[2], rows)[[0, 1, 3, 4]], rtol=1e-5, atol=1e-6)


def test_gated_rows_score_as_in_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under frozen gates, read as serving reads them, rows score as the search's own network scores them, block by block."""
    rng = np.random.default_rng(6)
    gates = BernoulliGates(LAYOUT.num_fields, DIM, SearchConfig(), rng)
    for variable in (*gates.kernels, *gates.biases):
        variable.assign(rng.normal(size=variable.shape).astype(np.float32))
    network, rows = Network(LAYOUT, CONFIG.backbone, DIM, gates), _rows()
    network.assign(_weights(1))
    expected = predict(network, GroupedRows.one_group(rows))
    monkeypatch.setattr(prediction, "BLOCK_ROWS", 9)
    np.testing.assert_allclose(predict_gated(_weights(1), gates.freeze(), rows, CONFIG), expected, rtol=1e-4, atol=1e-5)
