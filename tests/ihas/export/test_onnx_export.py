"""From trained weights to a path that serves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.bundle.values import ExportedModel
from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.layout import PADDING, FieldLayout
from ihas.export.onnx_export import export_model, ragged_table, restricted_backbone, table_of
from ihas.models.backbone import KeptDims
from ihas.models.network import NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.routing.router import embed
from ihas.serving.grouped.group_model import ServedGroupModel
from ihas.serving.grouped.model import NO_GATES
from ihas.serving.onnx_runtime import onnxruntime

pytestmark = pytest.mark.tf

LAYOUT, DIM = FieldLayout(("user", "genres", "movie"), (4, 5, 3), (1, 3, 1)), 3
MASK = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0]], bool)


def _config(kind: str) -> LearningConfig:
    return LearningConfig(
        backbone=BackboneConfig(kind=kind, hidden=(4,), batch_norm=True),  # type: ignore[arg-type]  # names of the registry
        training=TrainingConfig(embedding_dim=DIM),
    )


def _model(config: LearningConfig, mask: np.ndarray) -> GroupModel:
    rng = np.random.default_rng(0)
    fresh = fresh_weights(LAYOUT, config, rng)
    backbone = {name: np.abs(rng.normal(size=value.shape)).astype(np.float32) for name, value in fresh.backbone.items()}
    return GroupModel("group-1", NetworkWeights(rng.normal(size=fresh.table.shape).astype(np.float32), backbone), mask)


def _rows() -> Dataset:
    rng = np.random.default_rng(1)
    ids = np.column_stack([rng.integers(0, 4, 12), rng.integers(4, 9, (12, 3)), rng.integers(9, 12, 12)]).astype(np.int32)
    ids[::2, 2:4] = PADDING
    ids[0, 1] = PADDING
    return Dataset(LAYOUT, ids, np.zeros(12, np.float32))


def _values(path: ExportedModel, ids: np.ndarray) -> np.ndarray:
    """What the graph is fed: each field's kept dimensions from its own table, the mean over a cell's values, side by side."""
    fields = []
    for table, row, slot, width in zip(path.field_tables(LAYOUT), LAYOUT.first_rows, LAYOUT.first_slots, LAYOUT.slots, strict=True):
        cells = [[table[i - row] for i in cell if i != PADDING] or [np.zeros(table.shape[1])] for cell in ids[:, slot : slot + width]]
        fields.append(np.stack([np.mean(cell, axis=0) for cell in cells]))
    return np.concatenate(fields, axis=1).astype(np.float32)


def _serve(path: ExportedModel, ids: np.ndarray) -> np.ndarray:
    feed = {"values": _values(path, ids)}
    if path.first_order is not None:
        feed["first_order"] = embed(ids, path.first_order[:, None], LAYOUT)
    return np.asarray(onnxruntime.InferenceSession(path.graph, providers=["CPUExecutionProvider"]).run(["logits"], feed)[0])


@pytest.mark.parametrize("kind", ["mlp", "lr", "dcn", "autoint", "finalmlp"])
@pytest.mark.parametrize("mask", [MASK, np.ones_like(MASK)], ids=["restricted", "whole"])
def test_path_scores_as_tensorflow_does(kind: str, mask: np.ndarray) -> None:
    """The exported path, read field by field, gives the logits of the masked network within 1e-5."""
    config, rows = _config(kind), _rows()
    model = _model(config, mask)
    path = export_model("one", model, LAYOUT, config)
    expected = predict_groups((model,), GroupedRows.one_group(rows), config)
    np.testing.assert_allclose(_serve(path, rows.ids), expected, rtol=1e-5, atol=1e-5)
    assert (path.name, path.gated, path.first_order) == ("one", False, None)
    np.testing.assert_array_equal(path.mask, mask)


@pytest.mark.parametrize("kind", ["mlp", "dcn", "autoint", "finalmlp"])
def test_equal_models_are_equal_files(kind: str) -> None:
    """Whatever was built in the process before: names of values do not count layers."""
    config = _config(kind)
    first = export_model("one", _model(config, MASK), LAYOUT, config)
    export_model("other", _model(config, np.ones_like(MASK)), LAYOUT, config)
    again = export_model("one", _model(config, MASK), LAYOUT, config)

    assert first.graph == again.graph
    assert b"dense" not in first.graph


@pytest.mark.parametrize("kind", ["wide_deep", "fm"])
def test_path_with_first_order_weights(kind: str) -> None:
    """First-order weights travel beside the table and enter the graph as its second input."""
    config, rows = _config(kind), _rows()
    model = _model(config, MASK)
    path = export_model("first", model, LAYOUT, config)
    np.testing.assert_array_equal(path.first_order, model.weights.table[:, DIM])
    expected = predict_groups((model,), GroupedRows.one_group(rows), config)
    np.testing.assert_allclose(_serve(path, rows.ids), expected, rtol=1e-5, atol=1e-5)
    served = ServedGroupModel(path, LAYOUT).logits(rows.ids, np.ones((len(rows), MASK.size), bool))
    np.testing.assert_allclose(served, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "fm", "autoint"])
def test_groups_of_one_model_share_a_table(kind: str) -> None:
    """Two masks of one model: the tables are equal to the bit, hold what either mask keeps, and each group scores under its own mask."""
    config, rows = _config(kind), _rows()
    other = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], bool)
    models = tuple(replace(_model(config, mask), name="shared") for mask in (MASK, other))
    paths = [export_model(f"shared-{number}", model, LAYOUT, config, held=MASK | other) for number, model in enumerate(models)]

    np.testing.assert_array_equal(paths[0].table, paths[1].table)
    assert len(paths[0].table) == 4 * 2 + 5 * 3 + 3 * 1
    for path, model in zip(paths, models, strict=True):
        expected = predict_groups((model,), GroupedRows.one_group(rows), config)
        served = ServedGroupModel(path, LAYOUT)
        for count in (len(rows), 2):
            found = served.logits(rows.ids[:count], NO_GATES)
            np.testing.assert_allclose(found, expected[:count], rtol=1e-5, atol=1e-5)
    whole = export_model("shared", models[0], LAYOUT, config, held=MASK)
    assert whole.table_mask is None


def test_table_holds_kept_dimensions_only() -> None:
    """Each field's table is a view of the path's numbers and holds its rows' kept columns; a field without any has none."""
    config = _config("mlp")
    model = _model(config, MASK)
    path = export_model("one", model, LAYOUT, config, gated=True)
    tables = path.field_tables(LAYOUT)
    assert [table.shape for table in tables] == [(4, 2), (5, 2), (3, 0)]
    assert path.gated
    assert path.table.shape == (4 * 2 + 5 * 2,)
    assert path.table.dtype == np.float32
    assert all(np.shares_memory(table, path.table) for table in tables[:2])
    np.testing.assert_array_equal(tables[0], model.weights.table[:4, [0, 2]])
    np.testing.assert_array_equal(tables[1], model.weights.table[4:9, [1, 2]])


def test_values_are_the_kept_elements_of_the_embedding() -> None:
    """Reading field by field gives what cutting the whole embedding gives."""
    config, ids = _config("mlp"), _rows().ids
    model = _model(config, MASK)
    values = _values(export_model("one", model, LAYOUT, config), ids)
    expected = embed(ids, model.weights.table, LAYOUT)[:, KeptDims(MASK).positions]
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_ragged_table_by_hand() -> None:
    """Two fields of one and two rows, keeping the first and both dims."""
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    kept, layout = KeptDims(np.array([[1, 0], [1, 1]], bool)), FieldLayout(("a", "b"), (1, 2), (1, 1))
    assert ragged_table(table, kept, layout).tolist() == [0, 2, 3, 4, 5]


def test_restricted_backbone_is_smaller() -> None:
    """Four of nine dims kept: the first kernel shrinks by five rows of four units, nothing else does."""
    config = _config("mlp")
    whole, small = (restricted_backbone(_model(config, mask), config) for mask in (np.ones_like(MASK), MASK))
    assert whole.num_parameters() - small.num_parameters() == 5 * 4


def test_routers_table_has_no_first_order_column() -> None:
    """The router reads the embedding columns alone, side by side in memory."""
    table = np.arange(8, dtype=np.float32).reshape(2, 4)
    found = table_of(NetworkWeights(table, {}), 3)
    assert found.tolist() == [[0, 1, 2], [4, 5, 6]]
    assert found.flags.c_contiguous
