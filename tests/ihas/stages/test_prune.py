"""Larger models that are pruned to what may be served."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.budget import BudgetConfig
from ihas.config.learning import LearningConfig
from ihas.config.members import MembersConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.data.synthetic import make_tribes
from ihas.metrics import sigmoid
from ihas.models.network import NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.stages.members import larger_config, larger_configs, model_cost, train_larger
from ihas.stages.prune import Limits, find_mask, prune_larger, pruning_limits, sensitivity
from ihas.training.plain import Refitting, train_plain
from tests.oracle import ignore

pytestmark = pytest.mark.tf

LAYOUT = FieldLayout(("a", "b"), (4, 100), (1, 1))


def _config(dim: int = 8, hidden: tuple[int, ...] = (4,), **backbone: object) -> LearningConfig:
    return LearningConfig(
        backbone=BackboneConfig.model_validate({"hidden": hidden, **backbone}),
        training=TrainingConfig(embedding_dim=dim, batch_size=128, learning_rate=0.01, embedding_l2=1e-4, epochs=12),
        members=MembersConfig(counts=(), larger=(2,)),
    )


def test_sensitivity_of_a_sum_by_hand() -> None:
    """logit = 3 e_a + 4 e_b: a's rows -1 and 1, half each, move it by 3 as a root mean square; b, the same for every row, not at all."""
    config = LearningConfig(backbone=BackboneConfig(hidden=(1,), batch_norm=False), training=TrainingConfig(embedding_dim=1))
    layout = FieldLayout(("a", "b"), (2, 2), (1, 1))
    names = fresh_weights(layout, config, np.random.default_rng(0)).backbone
    values = {(2, 1): np.array([[3.0], [4.0]]), (1, 1): np.array([[1.0]]), (1,): np.array([100.0])}
    backbone = {name: values[array.shape].astype(np.float32) for name, array in names.items()}
    ids = np.stack([np.arange(40) % 2, np.full(40, 3)], axis=1).astype(np.int32)
    weights = NetworkWeights(np.array([[-1.0], [1.0], [5.0], [7.0]], np.float32), backbone)

    moved = sensitivity(weights, Dataset(layout, ids, np.zeros(40, np.float32)), config)

    np.testing.assert_allclose(moved, [[3.0], [0.0]], atol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "deepfm", "dcn", "ipnn", "finalmlp", "fm"])
@pytest.mark.parametrize("limits", [Limits(60.0, math.inf), Limits(math.inf, 700.0), Limits(90.0, 700.0)])
def test_a_mask_keeps_within_both_limits(kind: str, limits: Limits) -> None:
    """Whatever the backbone, and keeps something; one more dimension of the kind that moves most would often not fit."""
    config = larger_config(_config(kind=kind, fusion_heads=2, hidden=(2,), second_hidden=(2,), selection_hidden=(2,)), 2)
    moved = 100.0 * np.random.default_rng(1).random((2, 16))

    mask = find_mask(config, LAYOUT, moved, limits)

    if mask is None:  # the networks above the embedding alone are too dear
        assert not limits.admit(model_cost(LAYOUT, config, np.eye(1, 32, dtype=bool).reshape(2, 16)))
        return
    assert mask.any()
    assert limits.admit(model_cost(LAYOUT, config, mask))


def test_what_moves_most_for_its_price_is_kept() -> None:
    """Field b has 25 times as many rows: under few parameters a's dimensions are kept, under few multiply-adds those that move most."""
    config = larger_config(_config(), 2)
    moved = np.stack([np.full(16, 1.0), np.full(16, 2.0)])
    whole = model_cost(LAYOUT, config)

    by_parameters = find_mask(config, LAYOUT, moved, Limits(math.inf, whole.parameters - 1_000))
    by_adds = find_mask(config, LAYOUT, moved, Limits(whole.multiply_adds / 2, math.inf))

    assert by_parameters is not None
    assert by_adds is not None
    assert (by_parameters[0].all(), by_parameters[1].sum()) == (True, 6)
    assert by_adds[1].sum() > by_adds[0].sum()


def test_limits_are_the_plain_model_s_unless_a_budget_is_stated() -> None:
    """2 fields of 8 dimensions, 4 units: 68 multiply-adds; 832 numbers in the table and 73 above it. A stated budget counts alone."""
    plain = model_cost(LAYOUT, _config())
    both, wide = pruning_limits(BudgetConfig(), _config(), LAYOUT)

    assert plain.multiply_adds == 68
    assert (both.multiply_adds, both.parameters, both.wide) == pytest.approx((74.8, 1.1 * plain.parameters, False))
    assert (wide.multiply_adds, wide.parameters, wide.wide) == (both.multiply_adds, math.inf, True)
    assert pruning_limits(BudgetConfig(multiply_adds=50), _config(), LAYOUT) == (Limits(50.0, math.inf),)
    assert pruning_limits(BudgetConfig(multiply_adds=50, parameters=500), _config(), LAYOUT) == (Limits(50.0, 500.0),)


@pytest.mark.parametrize(("stated", "adds"), [({}, 74.8), ({"candidates_p99_ms": 5.0}, math.inf)])
def test_under_parameters_alone_multiply_adds_are_those_that_the_choice_admits(stated: dict[str, float], adds: float) -> None:
    """A model that may have any number of them could not be served but where a stated latency is what a request may cost."""
    (limits,) = pruning_limits(BudgetConfig.model_validate({"parameters": 500, **stated}), _config(), LAYOUT)

    assert (limits.multiply_adds, limits.parameters, limits.wide) == (pytest.approx(adds), 500.0, False)


@pytest.mark.parametrize("kind", ["fm", "lr", "dcn"])
def test_hidden_layers_that_a_kind_has_not_make_no_models_of_their_own(kind: str) -> None:
    """`lr` and `fm` have no hidden layers, whatever the setting says: wider ones would be the same model under another name."""
    config = _config(kind=kind, num_cross_layers=0).model_copy(update={"members": MembersConfig(counts=(2,), larger=(2,))})
    found = larger_configs(LAYOUT, config, BudgetConfig(multiply_adds=10_000))

    costs = [(one.backbone.members, model_cost(LAYOUT, one)) for one in found]
    assert len(set(costs)) == len(costs)
    assert {one.backbone.hidden for one in found} == ({(4,), (6,), (8,), (16,)} if kind == "dcn" else {(4,)})


@pytest.mark.slow
def test_pruned_members_err_less_than_one_model_of_their_cost() -> None:
    """On two tribes, whose true probabilities are known: fewer multiply-adds than the plain model's and a tenth, a smaller squared error.

    Trained once more by its own courses on the same rows it errs about as little, under the same mask.
    """
    oracle = make_tribes(np.random.default_rng(3), 2, (2_500, 3_000, 8_000), values=30)
    config = _config(dim=16)
    plain = train_plain(oracle.parts, config, "base", ignore)
    larger = train_larger(oracle.parts, config, BudgetConfig(), ignore)
    limits = pruning_limits(BudgetConfig(), config, oracle.layout)
    (pruned,) = prune_larger(oracle.parts, larger, limits, ignore)  # within both limits; hardly more is kept without one on parameters

    def error(weights: NetworkWeights, mask: np.ndarray, own: LearningConfig) -> float:
        logits = predict_groups((GroupModel("one", weights, mask),), GroupedRows.one_group(oracle.parts.test), own)
        return float(np.mean((sigmoid(logits) - sigmoid(oracle.logits[2])) ** 2))

    whole = np.ones((oracle.layout.num_fields, 16), bool)
    assert limits[0].admit(model_cost(oracle.layout, pruned.config, pruned.mask))
    assert error(pruned.weights, pruned.mask, pruned.config) < error(plain.weights, whole, config)
    again = Refitting(oracle.parts.train, len(oracle.parts.train)).train(pruned.config, "again", pruned.courses, pruned.mask)
    assert error(again, pruned.mask, pruned.config) < error(plain.weights, whole, config)
