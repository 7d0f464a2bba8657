"""A backbone in two gives what the backbone gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ihas.bundle.values import ExportedModel
from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.layout import FieldLayout
from ihas.export.onnx_export import folded_backbone, onnx_graph, restricted_backbone
from ihas.models.network import NetworkWeights, fresh_weights
from ihas.models.prediction import GroupModel
from ihas.models.registry import backbone_class
from ihas.serving.grouped.sums import FieldSums
from ihas.serving.onnx_runtime import onnxruntime

pytestmark = pytest.mark.tf

DIM = 3
LAYOUT = FieldLayout(("a", "b", "c", "d"), (4, 5, 3, 6), (1, 1, 1, 1))
MASK = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1]], bool)
CONFIGS = {
    "mlp": {},
    "lr": {},
    "fm": {},
    "wide_deep": {},
    "deepfm": {},
    "dcn": {},
    "finalmlp": {"fusion_heads": 2, "second_hidden": (8, 6), "selection_hidden": (5,)},
}
BARE = ("mlp", "wide_deep", "deepfm", "dcn")
TWO_SIDED = sorted(kind for kind in BACKBONES if "two_sided" in vars(backbone_class(kind)))


def _config(kind: str, *, batch_norm: bool, hidden: tuple[int, ...] = (7, 4)) -> LearningConfig:
    backbone = BackboneConfig(kind=kind, hidden=hidden, batch_norm=batch_norm, **CONFIGS.get(kind, {}))  # type: ignore[arg-type]
    return LearningConfig(backbone=backbone, training=TrainingConfig(embedding_dim=DIM))


def _model(config: LearningConfig, mask: np.ndarray) -> GroupModel:
    """Random weights; moving variances are above 0, everything else has both signs."""
    rng = np.random.default_rng(3)
    fresh = fresh_weights(LAYOUT, config, rng)
    weights = {name: rng.normal(0.0, 0.5, value.shape).astype(np.float32) for name, value in fresh.backbone.items()}
    weights |= {name: np.abs(value) + np.float32(0.1) for name, value in weights.items() if name.endswith("/variance")}
    return GroupModel("one", NetworkWeights(rng.normal(size=fresh.table.shape).astype(np.float32), weights), mask)


def _path(config: LearningConfig, model: GroupModel) -> ExportedModel:
    """A path whose table is random; its graph is not run."""
    kept = int(np.asarray(LAYOUT.vocabulary_sizes) @ model.mask.sum(axis=1))
    rng = np.random.default_rng(4)
    first = rng.normal(size=LAYOUT.num_rows).astype(np.float32) if backbone_class(config.backbone.kind).uses_first_order else None
    backbone = folded_backbone(model, config)
    split = backbone.two_sided(backbone.weights(), model.mask, backbone.config)
    return ExportedModel("one", model.mask, False, rng.normal(size=kept).astype(np.float32), first, b"", split)


def _split_logits(path: ExportedModel, ids: np.ndarray) -> np.ndarray:
    """Context fields and item fields apart, then added."""
    assert path.two_sided is not None
    sides = [FieldSums(path, path.two_sided, LAYOUT, fields)(ids[:, fields]) for fields in ([0, 2], [1, 3])]
    session = onnxruntime.InferenceSession(path.two_sided.graph, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["logits"], {"sums": sides[0] + sides[1] + path.two_sided.bias})[0])


def _whole_logits(path: ExportedModel, config: LearningConfig, model: GroupModel, ids: np.ndarray) -> np.ndarray:
    """TensorFlow, on the whole rows, batch normalisation as it was trained."""
    columns = [table[ids[:, f] - LAYOUT.first_rows[f]] for f, table in enumerate(path.field_tables(LAYOUT))]
    first_order = None if path.first_order is None else path.first_order[ids]
    return np.asarray(restricted_backbone(model, config)(np.concatenate(columns, axis=1), first_order, None))


def _ids() -> np.ndarray:
    rows = itertools.product(*(range(first, first + size) for first, size in zip(LAYOUT.first_rows, LAYOUT.vocabulary_sizes, strict=True)))
    return np.array(list(rows), np.int32)


@pytest.mark.parametrize("mask", [MASK, np.ones_like(MASK)], ids=["restricted", "whole"])
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "normalised"])
@pytest.mark.parametrize("kind", TWO_SIDED)
def test_split_scores_every_row_as_tensorflow_does(kind: str, batch_norm: bool, mask: np.ndarray) -> None:
    """Over every possible row, the sums of two sides and the rest give the whole backbone's logits within 1e-5."""
    config = _config(kind, batch_norm=batch_norm)
    model = _model(config, mask)
    path = _path(config, model)

    np.testing.assert_allclose(_split_logits(path, _ids()), _whole_logits(path, config, model, _ids()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", TWO_SIDED)
def test_members_are_split_together(kind: str) -> None:
    """Three members of one dimension each: their sums lie side by side, and each row's logit is the mean of their logits."""
    config = _config(kind, batch_norm=True)
    config = config.model_copy(update={"backbone": config.backbone.model_copy(update={"members": 3})})
    model = _model(config, MASK)
    path = _path(config, model)

    np.testing.assert_allclose(_split_logits(path, _ids()), _whole_logits(path, config, model, _ids()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", BARE)
def test_split_without_hidden_layers(kind: str) -> None:
    """Where nothing is hidden, the sums are the logit, or cross layers follow alone."""
    config = _config(kind, batch_norm=False, hidden=())
    model = _model(config, MASK)
    path = _path(config, model)

    np.testing.assert_allclose(_split_logits(path, _ids()), _whole_logits(path, config, model, _ids()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("epsilon", [1e-5, 0.2])
@pytest.mark.parametrize("kind", sorted(set(BACKBONES) - {"lr", "fm"}))
def test_folded_backbone_is_the_backbone_without_normalisation(kind: str, epsilon: float) -> None:
    """Every kind with hidden layers: same logits from fewer numbers, in TensorFlow and as a graph, whatever is added to the variances."""
    config = _config(kind, batch_norm=True)
    config = config.model_copy(update={"backbone": config.backbone.model_copy(update={"batch_norm_epsilon": epsilon})})
    model = _model(config, MASK)
    whole, folded = restricted_backbone(model, config), folded_backbone(model, config)
    values = np.random.default_rng(5).normal(size=(20, int(MASK.sum()))).astype(np.float32)
    first_order = np.random.default_rng(6).normal(size=(20, 4)).astype(np.float32) if whole.uses_first_order else None
    feed = {"values": values} | ({} if first_order is None else {"first_order": first_order})
    expected = whole(values, first_order, None)
    session = onnxruntime.InferenceSession(onnx_graph(folded), providers=["CPUExecutionProvider"])

    assert folded.num_parameters() < whole.num_parameters()
    np.testing.assert_allclose(folded(values, first_order, None), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(session.run(["logits"], feed)[0], expected, rtol=1e-5, atol=1e-5)


def test_kinds_that_multiply_before_they_add_are_not_split() -> None:
    """Every backbone is split or is one of the three whose products of pairs come first."""
    others = set(BACKBONES) - set(TWO_SIDED)

    assert others == {"ipnn", "xdeepfm", "autoint"}
    assert all("two_sided" not in vars(backbone_class(kind)) for kind in others)
