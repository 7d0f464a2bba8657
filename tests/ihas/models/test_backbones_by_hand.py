"""Every backbone gives what is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.legacy_keras import tf
from ihas.models.autoint import AutoInt
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.dcn import DCN
from ihas.models.finalmlp import STREAMS, FinalMLP, Selection
from ihas.models.fm import FM
from ihas.models.ipnn import IPNN
from ihas.models.lr import LR
from ihas.models.mlp import MLP
from ihas.models.registry import build_backbone
from ihas.models.xdeepfm import XDeepFM
from tests.contracts.backbone import ALL, inputs, logits, randomize

pytestmark = pytest.mark.tf


def test_mlp_by_hand() -> None:
    """w relu(W e + b) + c of e = (1, 2): relu((1 - 2, 2 + 1)) = (0, 3), logit 3 * 2 - 1 = 5."""
    mlp = MLP(KeptDims.all(1, 2), BackboneConfig(batch_norm=False, hidden=(2,)), 0)
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
    dcn = DCN(KeptDims.all(1, 2), BackboneConfig(batch_norm=False, kind="dcn", hidden=(), num_cross_layers=1), 0)
    weights = {"cross_0/kernel": np.array([[0, 1], [1, 0]]), "cross_0/bias": np.array([1, 0])}
    dcn.assign(weights | {"output/kernel": np.array([[1], [10]]), "output/bias": np.array([0.5])})
    np.testing.assert_allclose(logits(dcn, np.array([[1, 2]], np.float32), None), [44.5])


def test_factorization_machine_by_hand() -> None:
    """Fields (1, 2), (3, 4) and (5, 6) have the products 3 + 5 + 15 and 8 + 12 + 24; the first-order weights add 6."""
    machine = FM(KeptDims.all(3, 2), BackboneConfig(batch_norm=False, kind="fm"), 0)
    found = logits(machine, np.array([[1, 2, 3, 4, 5, 6]], np.float32), np.array([[1, 2, 3]], np.float32))
    np.testing.assert_allclose(found, [23 + 44 + 6])


def _linear(backbone: Backbone, kernel: list[float], bias: float) -> None:
    rows = np.array(kernel, np.float32)[:, None]
    backbone.assign(backbone.weights() | {"output/kernel": rows, "output/bias": np.array([bias], np.float32)})


def test_wide_deep_and_deepfm_by_hand() -> None:
    """e = (1, 2) and (3, 4): the deep part sums to 10 + .5, the first-order weights to 3, the one inner product is 3 + 8."""
    values, first_order = np.array([[1, 2, 3, 4]], np.float32), np.array([[1, 2]], np.float32)
    for kind, expected in (("wide_deep", 13.5), ("deepfm", 24.5)):
        backbone = build_backbone(BackboneConfig(batch_norm=False, kind=kind, hidden=()), KeptDims.all(2, 2), 0)  # type: ignore[arg-type]
        _linear(backbone, [1, 1, 1, 1], 0.5)
        np.testing.assert_allclose(logits(backbone, values, first_order), [expected])


def test_ipnn_by_hand() -> None:
    """Fields (1, 2), (3, 4), (5, 6): pairs 11, 17 and 39, weighted 1, 10 and 100."""
    backbone = IPNN(KeptDims.all(3, 2), BackboneConfig(batch_norm=False, kind="ipnn", hidden=()), 0)
    _linear(backbone, [0] * 6 + [1, 10, 100], 0.0)
    np.testing.assert_allclose(logits(backbone, np.array([[1, 2, 3, 4, 5, 6]], np.float32), None), [11 + 170 + 3900])


def test_xdeepfm_by_hand() -> None:
    """Fields 2 and 3 of one dim, all weights of the one map 1: (2 + 3)^2 = 25, pooled by .5; first-order weights 2, bias 1."""
    backbone = XDeepFM(KeptDims.all(2, 1), BackboneConfig(batch_norm=False, kind="xdeepfm", hidden=(), cin_maps=(1,)), 0)
    backbone.assign(backbone.weights() | {"cin_0/kernel": np.ones((4, 1), np.float32), "pooled/kernel": np.array([[0.5]], np.float32)})
    _linear(backbone, [0, 0], 1.0)
    found = logits(backbone, np.array([[2, 3]], np.float32), np.array([[1, 1]], np.float32))
    np.testing.assert_allclose(found, [12.5 + 2 + 1])


def test_logistic_regression_by_hand() -> None:
    """Weights 1 + 9, 2 - 9 and 3 of two dimensions each, and a bias of .5."""
    backbone = LR(KeptDims.all(3, 2), BackboneConfig(batch_norm=False, kind="lr"), 0)
    backbone.assign({"output/bias": np.array([0.5])})
    np.testing.assert_allclose(logits(backbone, np.array([[1, 9, 2, -9, 3, 0]], np.float32), None), [6.5])


def test_autoint_by_hand() -> None:
    """Fields 0 and ln 3, all kernels 1: field 0 attends evenly, the other with e^(ln 3)^2; the residual adds the field itself."""
    log3 = np.log(3.0)
    config = BackboneConfig(batch_norm=False, kind="autoint", hidden=(), num_attention_layers=1, attention_dim=1, attention_heads=1)
    backbone = AutoInt(KeptDims.all(2, 1), config, 0)
    ones = {f"attention_0/{name}": np.ones((1, 1), np.float32) for name in ("query", "key", "value")}
    backbone.assign(ones | {"pooled/kernel": np.array([[1], [10]]), "output/bias": np.array([0.5])})
    share = 1 / (1 + np.exp(-(log3**2)))
    found = logits(backbone, np.array([[0, log3]], np.float32), None)
    np.testing.assert_allclose(found, [0.5 + log3 / 2 + 10 * (share * log3 + log3)], rtol=1e-6)


def test_finalmlp_by_hand() -> None:
    """Weights of 1 leave e = (1, 2) as it is: streams 3 and (1, 2), linear parts 3 + 10 + 40, product 3 * (1 + 2 * 2), bias .5."""
    config = BackboneConfig(batch_norm=False, kind="finalmlp", hidden=(1,), second_hidden=(2,), selection_hidden=())
    backbone = FinalMLP(KeptDims.all(1, 2), config, 0)
    weights = {name: np.zeros_like(value) for name, value in backbone.weights().items()}
    weights |= {"first_hidden_0/kernel": np.ones((2, 1)), "second_hidden_0/kernel": np.eye(2)}
    weights |= {"output/first": np.ones((1, 1)), "output/second": np.array([[10], [20]])}
    backbone.assign(weights | {"output/product": np.array([[[1, 2]]]), "output/bias": np.array([0.5])})
    np.testing.assert_allclose(logits(backbone, np.array([[1, 2]], np.float32), None), [3 + 50 + 15 + 0.5])


def test_selection_doubles_what_a_stream_reads() -> None:
    """2 sigmoid(ln 3) = 1.5 for the first element and 2 sigmoid(-ln 3) = .5 for the second."""
    selection = Selection(
        KeptDims.all(1, 2), BackboneConfig(batch_norm=False, kind="finalmlp", selection_hidden=()), np.random.default_rng(0)
    )
    parts = selection.named_variables()
    parts["selected/kernel"].assign(np.zeros((2, 2)))
    parts["selected/bias"].assign([np.log(3.0), -np.log(3.0)])
    np.testing.assert_allclose(selection(), [[1.5, 0.5]], rtol=1e-6)


def test_streams_drop_different_units() -> None:
    """Two streams of equal shape and weights draw dropout apart, so that their outputs differ in training and agree outside it."""
    config = BackboneConfig(batch_norm=False, kind="finalmlp", hidden=(40,), second_hidden=(40,), selection_hidden=(), dropout=0.5)
    backbone = FinalMLP(ALL, config, 0)
    weights = {name: np.zeros_like(value) for name, value in backbone.weights().items()}
    for name in STREAMS:
        weights[f"{name}_hidden_0/kernel"] = np.ones((12, 40), np.float32)
    weights |= {"output/first": np.ones((40, 1)), "output/second": -np.ones((40, 1))}
    backbone.assign(weights)
    values = np.ones((3, 12), np.float32)
    np.testing.assert_allclose(logits(backbone, values, None), 0.0, atol=1e-4)
    assert (np.abs(logits(backbone, values, None, tf.constant([1, 2]))) > 1.0).any()


def test_dropout_acts_in_training_only() -> None:
    """A seed drops hidden units, another seed drops others, no seed drops none."""
    mlp = MLP(ALL, BackboneConfig(batch_norm=False, hidden=(50,), dropout=0.5), 0)
    randomize(mlp, 1)
    drawn = inputs(mlp, 2)
    first, again, other = (logits(mlp, *drawn, tf.constant([1, seed])) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other) > 1e-3).any()
    np.testing.assert_array_equal(logits(mlp, *drawn), logits(mlp, *drawn))
