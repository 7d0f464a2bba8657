"""Several small models at the plain one's cost, on tables whose best answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.budget import BudgetConfig
from ihas.config.learning import LearningConfig
from ihas.config.members import MembersConfig
from ihas.config.training import TrainingConfig
from ihas.data.layout import FieldLayout
from ihas.data.synthetic import make_tribes
from ihas.metrics import sigmoid
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.stages.members import (
    COST_TOLERANCE,
    MembersResult,
    larger_config,
    larger_configs,
    multiply_adds,
    split_configs,
    train_larger,
    train_members,
)
from ihas.training.plain import train_plain
from tests.oracle import ignore

pytestmark = pytest.mark.tf

LAYOUT = FieldLayout(("a", "b", "c"), (4, 5, 6), (1, 1, 1))


def _config(dim: int = 16, hidden: tuple[int, ...] = (16, 8), **backbone: object) -> LearningConfig:
    return LearningConfig(
        backbone=BackboneConfig.model_validate({"hidden": hidden, **backbone}),
        training=TrainingConfig(embedding_dim=dim, batch_size=128, learning_rate=0.01, embedding_l2=1e-4, epochs=12),
    )


def test_two_members_of_half_the_dimensions_by_hand() -> None:
    """3 fields of 16 dimensions, 16-8: 768 + 128 + 8 = 904; two members of 8 dimensions with 15-8: 2 (360 + 120 + 8) = 976 <= 994."""
    config = _config()
    two, four = split_configs(LAYOUT, config)

    assert multiply_adds(LAYOUT, config) == 904
    assert (two.backbone.members, two.training.embedding_dim, two.backbone.hidden) == (2, 16, (15, 8))
    assert multiply_adds(LAYOUT, two) == 976
    assert (four.backbone.members, four.training.embedding_dim) == (4, 16)


@pytest.mark.parametrize("kind", ["mlp", "deepfm", "dcn", "ipnn", "xdeepfm", "autoint", "finalmlp", "fm"])
def test_no_split_costs_more_than_the_plain_model_and_a_tenth(kind: str) -> None:
    """Whatever the backbone; hidden layers shrink where they must, and what cannot shrink far enough is not tried."""
    config = _config(kind=kind, fusion_heads=2)

    for split in split_configs(LAYOUT, config):
        assert multiply_adds(LAYOUT, split) <= COST_TOLERANCE * multiply_adds(LAYOUT, config)
        LearningConfig.model_validate(split.model_dump())


def test_what_cannot_be_divided_is_not_tried() -> None:
    """Three members do not divide 16 dimensions, eight leave two each; members that the recipe states are not divided again."""
    config = _config().model_copy(update={"members": MembersConfig(counts=(3, 16))})

    assert split_configs(LAYOUT, config) == []
    assert split_configs(LAYOUT, _config(members=2)) == []


def test_larger_models_have_more_members_of_half_the_dimensions() -> None:
    """Twice 16 dimensions are four members of eight, under the recipe's own hidden layers; odd dimensions are not halved."""
    config = _config()
    larger, odd = larger_config(config, 2), larger_config(_config(dim=5), 2)

    assert (odd.backbone.members, odd.training.embedding_dim) == (2, 10)

    assert (larger.backbone.members, larger.training.embedding_dim, larger.backbone.hidden) == (4, 32, (16, 8))


def _sizes(limits: BudgetConfig, **changes: object) -> list[tuple[int, int, tuple[int, ...]]]:
    """Multiply-adds, members and hidden layers of the larger models within limits."""
    config = _config(dim=8, hidden=(4,)).model_copy(update=changes)
    found = larger_configs(LAYOUT, config, limits)
    return [(multiply_adds(LAYOUT, one), one.backbone.members, one.backbone.hidden) for one in found]


@pytest.mark.slow
def test_larger_models_fill_a_stated_budget() -> None:
    """A member reads 3 fields of 4 dimensions: 12 h + h multiply-adds: 52 under (4), 104 under (8), 208 under (16). Without a budget
    the factors are 2 and 4, four and eight members; 1,300 also take the most members of each, sixteen at most, twelve and six. What
    exceeds a limit is not trained; what exceeds it by no more than itself is, where it will be pruned."""
    whole = MembersConfig(prune=False)
    factors = [(208, 4, (4,)), (416, 8, (4,))]

    assert _sizes(BudgetConfig(), members=whole) == factors
    assert _sizes(BudgetConfig(multiply_adds=1_300), members=whole) == [*factors, (832, 16, (4,)), (1_248, 12, (8,)), (1_248, 6, (16,))]
    assert _sizes(BudgetConfig(multiply_adds=500), members=whole) == [factors[0], (416, 8, (4,)), (416, 4, (8,))]
    assert _sizes(BudgetConfig(multiply_adds=207), members=whole) == []
    assert _sizes(BudgetConfig(parameters=400), members=whole) == []
    factors.insert(0, (156, 2, (6,)))  # two members of 4 dimensions under six units in the place of four
    assert _sizes(BudgetConfig()) == factors
    assert _sizes(BudgetConfig(multiply_adds=1_300)) == [*factors, (832, 16, (4,)), (1_664, 16, (8,)), (2_496, 12, (16,))]
    assert _sizes(BudgetConfig(multiply_adds=207)) == [*factors[:2], (312, 6, (4,))]
    assert _sizes(BudgetConfig(multiply_adds=1_300), members=MembersConfig(larger=())) == []


@pytest.mark.slow
def test_members_err_less_than_one_model_of_their_cost() -> None:
    """On two tribes, whose true probabilities are known, the members' squared error is below the plain model's, and so is that of more."""
    oracle = make_tribes(np.random.default_rng(3), 2, (2_500, 3_000, 8_000), values=30)
    config = _config(dim=8).model_copy(update={"members": MembersConfig(counts=(2,), larger=(2,))})
    plain = train_plain(oracle.parts, config, "base", ignore)
    found = train_members(oracle.parts, config, ignore)

    def error(weights: object, own: LearningConfig) -> float:
        mask = np.ones((oracle.layout.num_fields, own.training.embedding_dim), bool)
        model = GroupModel("one", weights, mask)  # type: ignore[arg-type]  # a network's weights
        logits = predict_groups((model,), GroupedRows.one_group(oracle.parts.test), own)
        return float(np.mean((sigmoid(logits) - sigmoid(oracle.logits[2])) ** 2))

    assert isinstance(found, MembersResult)
    split, (more,) = found.split, train_larger(oracle.parts, config, BudgetConfig(), ignore)
    assert (split.config.backbone.members, more.config.backbone.members) == (2, 4)
    assert error(split.weights, split.config) < error(plain.weights, config)
    assert error(more.weights, more.config) < error(plain.weights, config)
