"""Every backbone keeps the contract."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from ihas.config import BackboneConfig
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.dcn import DCN
from ihas.models.deepfm import DeepFM
from ihas.models.fm import FM
from ihas.models.ipnn import IPNN
from ihas.models.mlp import MLP
from ihas.models.registry import BACKBONES, build_backbone
from ihas.models.wide_deep import WideDeep
from ihas.models.xdeepfm import XDeepFM
from tests.contracts.backbone import ALL, SOME, BackboneContract, Build, inputs, logits, randomize

HIDDEN = (5, 3)


def _builder(cls: Any, config: BackboneConfig) -> Build:
    def build(kept: KeptDims, seed: int) -> Backbone:
        backbone: Backbone = cls(kept, config, seed)
        return backbone

    return build


class TestMLP(BackboneContract):
    """Two hidden layers; 12 -> 5 -> 3 -> 1."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(MLP, BackboneConfig(hidden=HIDDEN, dropout=0.2))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (60 + 15 + 3, 65 + 18 + 4), 5: (25 + 15 + 3, 30 + 18 + 4)}


class TestMLPWithBatchNorm(BackboneContract):
    """Batch normalisation stores four numbers a unit instead of the bias."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(MLP, BackboneConfig(hidden=HIDDEN, batch_norm=True))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (78, 60 + 20 + 15 + 12 + 4), 5: (43, 25 + 20 + 15 + 12 + 4)}


class TestLinearMLP(BackboneContract):
    """No hidden layer: a linear model on the embedding."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(MLP, BackboneConfig(hidden=()))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12, 13), 5: (5, 6)}


class TestDCN(BackboneContract):
    """Two cross layers beside 12 -> 5 -> 3; 15 values leave."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(DCN, BackboneConfig(kind="dcn", hidden=HIDDEN, num_cross_layers=2))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (2 * 156 + 75 + 15, 2 * 156 + 83 + 16), 5: (2 * 30 + 40 + 8, 2 * 30 + 48 + 9)}


class TestDCNWithBatchNorm(BackboneContract):
    """Cross layers are not normalised, hidden layers are."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(DCN, BackboneConfig(kind="dcn", hidden=HIDDEN, num_cross_layers=1, batch_norm=True, dropout=0.1))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (156 + 75 + 15, 156 + 75 + 32 + 16), 5: (30 + 40 + 8, 30 + 40 + 32 + 9)}


class TestDCNWithoutHiddenLayers(BackboneContract):
    """Cross layers alone."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(DCN, BackboneConfig(kind="dcn", hidden=(), num_cross_layers=3))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (3 * 156 + 12, 3 * 156 + 13), 5: (3 * 30 + 5, 3 * 30 + 6)}


class TestFM(BackboneContract):
    """A square for each kept value and each dimension; the first-order weights lie in the table."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(FM, BackboneConfig(kind="fm"))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 4, 1), 5: (5 + 4, 1)}


class TestWideDeep(BackboneContract):
    """The hidden layers of the MLP; the wide part multiplies nothing."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(WideDeep, BackboneConfig(kind="wide_deep", hidden=HIDDEN))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (78, 87), 5: (43, 52)}


class TestDeepFM(BackboneContract):
    """A factorisation machine and the hidden layers of the MLP."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(DeepFM, BackboneConfig(kind="deepfm", hidden=HIDDEN, dropout=0.1))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 4 + 78, 87), 5: (5 + 4 + 43, 52)}


class TestIPNN(BackboneContract):
    """Three pairs of four dims; 15 or 8 values enter the hidden layers."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(IPNN, BackboneConfig(kind="ipnn", hidden=HIDDEN))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 75 + 18, 80 + 18 + 4), 5: (12 + 40 + 18, 45 + 18 + 4)}


class TestIPNNWithoutHiddenLayers(BackboneContract):
    """A linear model on the embedding and the products."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(IPNN, BackboneConfig(kind="ipnn", hidden=()))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 15, 16), 5: (12 + 8, 9)}


class TestXDeepFM(BackboneContract):
    """Kernels of 9 x 2 and 6 x 3 for each of four dims, five pooled maps, and the hidden layers of the MLP."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(XDeepFM, BackboneConfig(kind="xdeepfm", hidden=HIDDEN, cin_maps=(2, 3)))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (4 * (9 * 3 + 6 * 4) + 5 + 78, 41 + 87), 5: (4 * (9 * 3 + 6 * 4) + 5 + 43, 41 + 52)}


def test_mlp_by_hand() -> None:
    """w relu(W e + b) + c of e = (1, 2): relu((1 - 2, 2 + 1)) = (0, 3), logit 3 * 2 - 1 = 5."""
    mlp = MLP(KeptDims.all(1, 2), BackboneConfig(hidden=(2,)), 0)
    mlp.assign(
        {
            "hidden_0/kernel": np.array([[1, 2], [-1, 0.5]]),
            "hidden_0/bias": np.zeros(2),
            "output/kernel": np.array([[7], [2]]),
            "output/bias": np.array([-1]),
        }
    )
    np.testing.assert_allclose(logits(mlp, np.array([[1, 2]], np.float32), None), [5.0])


def test_dcn_by_hand() -> None:
    """x1 = x0 * (W x0 + b) + x0 of x0 = (1, 2), W = [[0, 1], [1, 0]] and b = (1, 0): (1 * 3 + 1, 2 * 1 + 2) = (4, 4)."""
    dcn = DCN(KeptDims.all(1, 2), BackboneConfig(kind="dcn", hidden=(), num_cross_layers=1), 0)
    weights = {"cross_0/kernel": np.array([[0, 1], [1, 0]]), "cross_0/bias": np.array([1, 0])}
    dcn.assign(weights | {"output/kernel": np.array([[1], [10]]), "output/bias": np.array([0.5])})
    np.testing.assert_allclose(logits(dcn, np.array([[1, 2]], np.float32), None), [44.5])


def test_factorization_machine_by_hand() -> None:
    """Fields (1, 2), (3, 4) and (5, 6) have the products 3 + 5 + 15 and 8 + 12 + 24; the first-order weights add 6."""
    machine = FM(KeptDims.all(3, 2), BackboneConfig(kind="fm"), 0)
    found = logits(machine, np.array([[1, 2, 3, 4, 5, 6]], np.float32), np.array([[1, 2, 3]], np.float32))
    np.testing.assert_allclose(found, [23 + 44 + 6])


def _linear(backbone: Backbone, kernel: list[float], bias: float) -> None:
    rows = np.array(kernel, np.float32)[:, None]
    backbone.assign(backbone.weights() | {"output/kernel": rows, "output/bias": np.array([bias], np.float32)})


def test_wide_deep_and_deepfm_by_hand() -> None:
    """e = (1, 2) and (3, 4): the deep part sums to 10 + .5, the first-order weights to 3, the one inner product is 3 + 8."""
    values, first_order = np.array([[1, 2, 3, 4]], np.float32), np.array([[1, 2]], np.float32)
    for kind, expected in (("wide_deep", 13.5), ("deepfm", 24.5)):
        backbone = build_backbone(BackboneConfig(kind=kind, hidden=()), KeptDims.all(2, 2), 0)  # type: ignore[arg-type]
        _linear(backbone, [1, 1, 1, 1], 0.5)
        np.testing.assert_allclose(logits(backbone, values, first_order), [expected])


def test_ipnn_by_hand() -> None:
    """Fields (1, 2), (3, 4), (5, 6): pairs 11, 17 and 39, weighted 1, 10 and 100."""
    backbone = IPNN(KeptDims.all(3, 2), BackboneConfig(kind="ipnn", hidden=()), 0)
    _linear(backbone, [0] * 6 + [1, 10, 100], 0.0)
    np.testing.assert_allclose(logits(backbone, np.array([[1, 2, 3, 4, 5, 6]], np.float32), None), [11 + 170 + 3900])


def test_xdeepfm_by_hand() -> None:
    """Fields 2 and 3 of one dim, all weights of the one map 1: (2 + 3)^2 = 25, pooled by .5; first-order weights 2, bias 1."""
    backbone = XDeepFM(KeptDims.all(2, 1), BackboneConfig(kind="xdeepfm", hidden=(), cin_maps=(1,)), 0)
    backbone.assign(backbone.weights() | {"cin_0/kernel": np.ones((4, 1), np.float32), "pooled/kernel": np.array([[0.5]], np.float32)})
    _linear(backbone, [0, 0], 1.0)
    found = logits(backbone, np.array([[2, 3]], np.float32), np.array([[1, 1]], np.float32))
    np.testing.assert_allclose(found, [12.5 + 2 + 1])


@pytest.mark.parametrize("kind", get_args(BackboneConfig.model_fields["kind"].annotation))
def test_registry_knows_every_backbone(kind: str) -> None:
    """Every name that a recipe may give builds a backbone of that name."""
    assert build_backbone(BackboneConfig(kind=kind), SOME, 0).config.kind == kind  # type: ignore[arg-type]
    assert kind in BACKBONES


def test_dropout_acts_in_training_only() -> None:
    """A seed drops hidden units, another seed drops others, no seed drops none."""
    mlp = MLP(ALL, BackboneConfig(hidden=(50,), dropout=0.5), 0)
    randomize(mlp, 1)
    drawn = inputs(mlp, 2)
    first, again, other = (logits(mlp, *drawn, tf.constant([1, seed])) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other) > 1e-3).any()
    np.testing.assert_array_equal(logits(mlp, *drawn), logits(mlp, *drawn))
