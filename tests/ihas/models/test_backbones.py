"""Every backbone keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config import BackboneConfig
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.dcn import DCN
from ihas.models.mlp import MLP
from ihas.models.registry import build_backbone
from tests.contracts.backbone import ALL, SOME, BackboneContract, Build, inputs, logits, randomize
from tests.ihas.models.factorization_machine import FactorizationMachine

HIDDEN = (5, 3)


def _builder(cls: type[MLP] | type[DCN] | type[FactorizationMachine], config: BackboneConfig) -> Build:
    def build(kept: KeptDims, seed: int) -> Backbone:
        return cls(kept, config, seed)

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


class TestFactorizationMachine(BackboneContract):
    """First-order weights and products fit the interface as it is: a square for each kept value and each dimension."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(FactorizationMachine, BackboneConfig())

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 4, 1), 5: (5 + 4, 1)}


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
    machine = FactorizationMachine(KeptDims.all(3, 2), BackboneConfig(), 0)
    found = logits(machine, np.array([[1, 2, 3, 4, 5, 6]], np.float32), np.array([[1, 2, 3]], np.float32))
    np.testing.assert_allclose(found, [23 + 44 + 6])


@pytest.mark.parametrize(("kind", "cls"), [("mlp", MLP), ("dcn", DCN)])
def test_registry_knows_every_backbone(kind: str, cls: type[Backbone]) -> None:
    """The name in a recipe builds the backbone of that name."""
    assert type(build_backbone(BackboneConfig(kind=kind), SOME, 0)) is cls  # type: ignore[arg-type]


def test_dropout_acts_in_training_only() -> None:
    """A seed drops hidden units, another seed drops others, no seed drops none."""
    mlp = MLP(ALL, BackboneConfig(hidden=(50,), dropout=0.5), 0)
    randomize(mlp, 1)
    drawn = inputs(mlp, 2)
    first, again, other = (logits(mlp, *drawn, tf.constant([1, seed])) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other) > 1e-3).any()
    np.testing.assert_array_equal(logits(mlp, *drawn), logits(mlp, *drawn))
