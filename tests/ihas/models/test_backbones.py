"""Every backbone keeps the contract."""

from __future__ import annotations

from typing import Any

import pytest

from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.models.autoint import AutoInt
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.dcn import DCN
from ihas.models.deepfm import DeepFM
from ihas.models.finalmlp import FinalMLP
from ihas.models.fm import FM
from ihas.models.ipnn import IPNN
from ihas.models.lr import LR
from ihas.models.mlp import MLP
from ihas.models.registry import backbone_class, build_backbone
from ihas.models.wide_deep import WideDeep
from ihas.models.xdeepfm import XDeepFM
from tests.contracts.backbone import SOME, BackboneContract, Build

pytestmark = pytest.mark.tf

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
        return _builder(MLP, BackboneConfig(batch_norm=False, hidden=HIDDEN, dropout=0.2))

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
        return _builder(MLP, BackboneConfig(batch_norm=False, hidden=()))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12, 13), 5: (5, 6)}


class TestDCN(BackboneContract):
    """Two cross layers beside 12 -> 5 -> 3; 15 values leave."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(DCN, BackboneConfig(batch_norm=False, kind="dcn", hidden=HIDDEN, num_cross_layers=2))

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
        return _builder(DCN, BackboneConfig(batch_norm=False, kind="dcn", hidden=(), num_cross_layers=3))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (3 * 156 + 12, 3 * 156 + 13), 5: (3 * 30 + 5, 3 * 30 + 6)}


class TestFM(BackboneContract):
    """A square for each kept value and each dimension; the first-order weights lie in the table."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(FM, BackboneConfig(batch_norm=False, kind="fm"))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 4, 1), 5: (5 + 4, 1)}


class TestWideDeep(BackboneContract):
    """The hidden layers of the MLP; the wide part multiplies nothing."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(WideDeep, BackboneConfig(batch_norm=False, kind="wide_deep", hidden=HIDDEN))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (78, 87), 5: (43, 52)}


class TestDeepFM(BackboneContract):
    """A factorisation machine and the hidden layers of the MLP."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(DeepFM, BackboneConfig(batch_norm=False, kind="deepfm", hidden=HIDDEN, dropout=0.1))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 4 + 78, 87), 5: (5 + 4 + 43, 52)}


class TestIPNN(BackboneContract):
    """Three pairs of four dims; 15 or 8 values enter the hidden layers."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(IPNN, BackboneConfig(batch_norm=False, kind="ipnn", hidden=HIDDEN))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 75 + 18, 80 + 18 + 4), 5: (12 + 40 + 18, 45 + 18 + 4)}


class TestIPNNWithoutHiddenLayers(BackboneContract):
    """A linear model on the embedding and the products."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(IPNN, BackboneConfig(batch_norm=False, kind="ipnn", hidden=()))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12 + 15, 16), 5: (12 + 8, 9)}


class TestXDeepFM(BackboneContract):
    """Kernels of 9 x 2 and 6 x 3 for each of four dims, five pooled maps, and the hidden layers of the MLP."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(XDeepFM, BackboneConfig(batch_norm=False, kind="xdeepfm", hidden=HIDDEN, cin_maps=(2, 3)))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (4 * (9 * 3 + 6 * 4) + 5 + 78, 41 + 87), 5: (4 * (9 * 3 + 6 * 4) + 5 + 43, 41 + 52)}


class TestLR(BackboneContract):
    """One bias, and every kept value is added; the weights lie in the table."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(LR, BackboneConfig(batch_norm=False, kind="lr"))

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return {12: (12, 1), 5: (5, 1)}


class TestAutoInt(BackboneContract):
    """Four kernels of 4 x 6, then three of 6 x 6, 18 pooled values, and the hidden layers of the MLP."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(
            AutoInt, BackboneConfig(batch_norm=False, kind="autoint", hidden=HIDDEN, attention_dim=6, attention_heads=2, dropout=0.1)
        )

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        attention, kernels = 3 * (4 * 24 + 3 * 36) + 2 * 2 * 9 * 6 + 18, 4 * 24 + 3 * 36 + 18
        return {12: (attention + 78, kernels + 87), 5: (attention + 43, kernels + 52)}


class TestAutoIntWithoutHiddenLayers(BackboneContract):
    """Attention alone; as many values leave the layer as enter it, so that nothing projects the residual."""

    @pytest.fixture
    def build(self) -> Build:
        config = BackboneConfig(batch_norm=False, kind="autoint", hidden=(), num_attention_layers=1, attention_dim=4, attention_heads=1)
        return _builder(AutoInt, config)

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        return dict.fromkeys((12, 5), (3 * 3 * 16 + 2 * 9 * 4 + 12, 3 * 16 + 12 + 1))


class TestFinalMLP(BackboneContract):
    """Streams 12 -> 5 -> 4 and 12 -> 6, two heads of 2 x 3; each selection is a vector of 4, 4 -> 3 -> 12."""

    @pytest.fixture
    def build(self) -> Build:
        return _builder(
            FinalMLP,
            BackboneConfig(
                batch_norm=False, kind="finalmlp", hidden=(5, 4), second_hidden=(6,), selection_hidden=(3,), fusion_heads=2, dropout=0.1
            ),
        )

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        fusion, stored = 4 + 6 + 2 * 6 + 6, 4 + 6 + 2 * 6 + 1 + 2 * (4 + 15)
        return {
            12: (60 + 20 + 72 + fusion, 65 + 24 + 78 + stored + 2 * 48),
            5: (25 + 20 + 30 + fusion, 30 + 24 + 36 + stored + 2 * 20),
        }


class TestFinalMLPWithBatchNorm(BackboneContract):
    """One head; the selections have no hidden layer and are never normalised."""

    @pytest.fixture
    def build(self) -> Build:
        config = BackboneConfig(kind="finalmlp", hidden=(5,), second_hidden=(3,), selection_hidden=(), batch_norm=True)
        return _builder(FinalMLP, config)

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        fusion, stored = 5 + 3 + 15 + 3, 5 + 3 + 15 + 1 + 4 * 8
        return {12: (60 + 36 + fusion, 60 + 36 + stored + 2 * (4 + 60)), 5: (25 + 15 + fusion, 25 + 15 + stored + 2 * (4 + 25))}


BESIDE_HIDDEN = {  # multiply-adds and numbers stored beside 12, or 5, -> 5 -> 3 -> 1
    "wide_deep": {12: (0, 0), 5: (0, 0)},
    "deepfm": {12: (16, 0), 5: (9, 0)},
    "ipnn": {12: (12 + 15, 15), 5: (12 + 15, 15)},
    "xdeepfm": {12: (4 * 51 + 5, 41), 5: (4 * 51 + 5, 41)},
    "autoint": {12: (3 * 204 + 216 + 18, 222), 5: (3 * 204 + 216 + 18, 222)},
}


@pytest.mark.parametrize("kind", BESIDE_HIDDEN)
class TestHiddenLayersWithBatchNorm(BackboneContract):
    """Batch normalisation stores four numbers a unit instead of the bias, whatever stands beside the hidden layers."""

    @pytest.fixture
    def build(self, kind: str) -> Build:
        own = {"xdeepfm": {"cin_maps": (2, 3)}, "autoint": {"attention_dim": 6}}.get(kind, {})
        config = BackboneConfig(kind=kind, hidden=HIDDEN, batch_norm=True, dropout=0.1, **own)  # type: ignore[arg-type]  # a dict's values
        return _builder(backbone_class(kind), config)

    @pytest.fixture
    def costs(self, kind: str) -> dict[int, tuple[int, int]]:
        plain = {12: (78, 60 + 20 + 15 + 12 + 4), 5: (43, 25 + 20 + 15 + 12 + 4)}
        return {kept: (plain[kept][0] + beside[0], plain[kept][1] + beside[1]) for kept, beside in BESIDE_HIDDEN[kind].items()}


MEMBERS = {
    "dcn": {},
    "xdeepfm": {"cin_maps": (2, 3)},
    "autoint": {"attention_dim": 6},
    "finalmlp": {"second_hidden": (4,), "selection_hidden": (4,)},
}


@pytest.mark.parametrize("kind", sorted(BACKBONES))
class TestEnsemble(BackboneContract):
    """Two members of two dimensions each, of every kind; together they cost what they cost one by one."""

    @pytest.fixture
    def build(self, kind: str) -> Build:
        config = BackboneConfig(kind=kind, hidden=HIDDEN, members=2, **MEMBERS.get(kind, {}))  # type: ignore[arg-type]  # a dict's values
        return lambda kept, seed: build_backbone(config, kept, seed)

    @pytest.fixture
    def costs(self, kind: str) -> dict[int, tuple[int, int]]:
        config = BackboneConfig(kind=kind, hidden=HIDDEN, **MEMBERS.get(kind, {}))  # type: ignore[arg-type]  # a dict's values
        members = {12: [KeptDims.all(3, 2)] * 2, 5: [KeptDims(SOME.mask[:, :2]), KeptDims(SOME.mask[:, 2:])]}
        alone = {kept: [build_backbone(config, own, 0) for own in masks] for kept, masks in members.items()}
        return {kept: (sum(m.multiply_adds() for m in own), sum(m.num_parameters() for m in own)) for kept, own in alone.items()}


def test_every_backbone_keeps_the_contract() -> None:
    """Each registered class has a contract test class that bears its name."""
    assert all(issubclass(globals()[f"Test{backbone_class(kind).__name__}"], BackboneContract) for kind in BACKBONES)
