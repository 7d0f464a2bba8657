"""Several small models in the place of one: the number of members that validation prefers at the plain model's cost, and larger models.

    split     M members of D / M dimensions each; hidden layers times the largest s <= 1 with  multiply-adds <= 1.1 * the plain model's
    larger    k times the embedding, for each factor k: 2 k members of D / 2 dimensions, hidden layers as the recipe states them
    wider     the fewest members of D / M dimensions, hidden layers times 1.5, where it is pruned to the plain model's cost
    filling   under a budget of multiply-adds, for hidden layers times 1, 2 and 4: the largest k that keeps within twice as much, since
              half of a model's dimensions can be pruned (prune.py)

The L2 weight and the learning rate are those that the plain model's trials chose. Source: multi-embedding (Guo et al., ICML 2024);
choice and costs are ours.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ihas.config.budget import BudgetConfig
from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.data.layout import FieldLayout
from ihas.layers.hidden import Weights
from ihas.models.backbone import KeptDims
from ihas.models.network import NetworkWeights
from ihas.models.registry import build_backbone
from ihas.results.run_result import EpochMetrics
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import PlainModel, train_plain
from ihas.training.steps import Steps
from ihas.training.trainer import EpochListener

COST_TOLERANCE = 1.1
MIN_DIM = 2
MAX_MEMBERS = 16
PRUNED_FROM = 2.0
"""Times the limits that a model may cost where it is pruned to them: half of the dimensions is what members do without (decision 94)."""
HIDDEN_TIMES = (1, 2, 4)
WIDER = 1.5
SHRINKAGE = 16
"""Steps in which hidden layers shrink."""


@dataclass(frozen=True)
class MemberModel:
    """Members that were trained together.

    Attributes:
        config: their settings.
        weights: their parameters.
        history: their epochs.
        courses: how they came to their weights; empty in results of an earlier version.
        heads: their backbone of each further task; empty where there is one label.
    """

    config: LearningConfig
    weights: NetworkWeights
    history: tuple[EpochMetrics, ...]
    courses: tuple[Steps, ...] = ()
    heads: tuple[Weights, ...] = ()

    @property
    def score(self) -> float:
        """Best validation AUC of its epochs."""
        return max(epoch.auc for epoch in self.history)


@dataclass(frozen=True)
class MembersResult:
    """Members at the plain model's cost.

    Attributes:
        split: the split that validation prefers.
        history: epochs of all trainings.
    """

    split: MemberModel
    history: tuple[EpochMetrics, ...]


def train_members(parts: Splits, config: LearningConfig, listen: EpochListener) -> MembersResult | None:
    """Train the splits; None where no split costs as little as the plain model.

    Args:
        parts: encoded rows.
        config: settings of the plain model, L2 weight and learning rate included.
        listen: told of every epoch.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    splits = split_configs(parts.train.layout, config)
    if not splits:
        return None
    tried = _train(parts, splits, listen)
    return MembersResult(max(tried, key=lambda model: model.score), tuple(epoch for model in tried for epoch in model.history))


def train_larger(parts: Splits, config: LearningConfig, limits: BudgetConfig, listen: EpochListener) -> tuple[MemberModel, ...]:
    """Train members that cost more than the plain model, the cheapest first.

    Args:
        parts: encoded rows.
        config: settings of the plain model, L2 weight and learning rate included.
        limits: what cannot be served within them is not trained.
        listen: told of every epoch.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    return tuple(_train(parts, larger_configs(parts.train.layout, config, limits), listen))


def _train(parts: Splits, configs: list[LearningConfig], listen: EpochListener) -> list[MemberModel]:
    def training(config: LearningConfig) -> Callable[[EpochListener], PlainModel]:
        name = f"members/{config.backbone.members}x{config.training.embedding_dim // config.backbone.members}"
        return partial(train_plain, parts, config, name)

    if not configs:
        return []
    widest = max(configs, key=lambda config: config.training.embedding_dim)
    trained = train_in_parallel([training(config) for config in configs], parts.train, widest, listen)
    return [MemberModel(config, one.weights, one.history, one.courses, one.heads) for config, one in zip(configs, trained, strict=True)]


def split_configs(layout: FieldLayout, config: LearningConfig) -> list[LearningConfig]:
    """Settings of each number of members that divides the dimensions and, with hidden layers small enough, costs no more than one model."""
    dim, one = config.training.embedding_dim, config.backbone.members == 1
    counts = [count for count in config.members.counts if one and dim % count == 0 and dim // count >= MIN_DIM]
    limit = multiply_adds(layout, config) * COST_TOLERANCE
    fitted = [_within(layout, config.with_members(count, dim), limit) for count in counts]
    return [found for found in fitted if found is not None]


def larger_configs(layout: FieldLayout, config: LearningConfig, limits: BudgetConfig) -> list[LearningConfig]:
    """Settings of every larger model that keeps within the limits, the cheapest first: the stated factors, and what fills the budget.

    Where larger models are pruned, those of up to `PRUNED_FROM` times the limits are among them, and members of no more dimensions than
    the plain model with hidden layers of `WIDER` times the units.
    """
    if config.backbone.members > 1:
        return []
    found = [larger_config(config, factor) for factor in config.members.larger]
    fits = partial(_admits, limits, layout, PRUNED_FROM if config.members.prune else 1.0)
    if config.members.prune and found:
        found += _wider(layout, config)
    if limits.multiply_adds is not None and found:
        times = HIDDEN_TIMES if _hidden_layers_count(layout, config) else HIDDEN_TIMES[:1]
        found += [widest for one in times if (widest := _widest(_scaled(config, one), fits)) is not None]
    distinct = {(one.backbone.hidden, one.backbone.members, one.training.embedding_dim): one for one in found if fits(one)}
    return sorted(distinct.values(), key=lambda one: multiply_adds(layout, one))


def _hidden_layers_count(layout: FieldLayout, config: LearningConfig) -> bool:
    """Whether more units in hidden layers are more multiply-adds: `lr` and `fm` have none, whatever `hidden` says."""
    return multiply_adds(layout, _scaled(config, WIDER)) > multiply_adds(layout, config)


def _wider(layout: FieldLayout, config: LearningConfig) -> list[LearningConfig]:
    """Settings of the fewest members that divide the dimensions, with wider hidden layers; none where there are no hidden layers."""
    dim = config.training.embedding_dim
    counts = [count for count in sorted(config.members.counts) if dim % count == 0 and dim // count >= MIN_DIM]
    wanted = counts[:1] if _hidden_layers_count(layout, config) else []
    return [_scaled(config, WIDER).with_members(count, dim) for count in wanted]


def larger_config(config: LearningConfig, factor: int) -> LearningConfig:
    """Settings of members of half the plain model's dimensions, or all where these are odd, whose embedding is wider by a factor."""
    dim = config.training.embedding_dim
    return config.with_members(factor * (2 if dim % 2 == 0 else 1), factor * dim)


def _widest(config: LearningConfig, fits: Callable[[LearningConfig], bool]) -> LearningConfig | None:
    """The largest model of these hidden layers that fits, of at most `MAX_MEMBERS` members."""
    models = [larger_config(config, factor) for factor in range(2, MAX_MEMBERS + 1)]
    few = [one for one in models if one.backbone.members <= MAX_MEMBERS]
    fitting = bisect_left(few, True, key=lambda one: not fits(one))
    return few[fitting - 1] if fitting else None


def _admits(limits: BudgetConfig, layout: FieldLayout, times: float, config: LearningConfig) -> bool:
    """Whether a model of these settings keeps within so many times the multiply-adds and the parameters."""
    cost = model_cost(layout, config)
    return cost.multiply_adds <= times * (limits.multiply_adds or math.inf) and cost.parameters <= times * (limits.parameters or math.inf)


class ModelCost(NamedTuple):
    """What a model stores, and computes for a row."""

    parameters: int
    multiply_adds: int


def model_cost(layout: FieldLayout, config: LearningConfig, mask: np.ndarray | None = None) -> ModelCost:
    """The cost of a model that keeps the dimensions of a mask, bool (num_fields, dim), or every one."""
    kept = KeptDims.all(layout.num_fields, config.training.embedding_dim) if mask is None else KeptDims(mask)
    backbone = build_backbone(config.backbone, kept, 0)
    table = int(np.dot(layout.vocabulary_sizes, kept.mask.sum(axis=1))) + (layout.num_rows if backbone.uses_first_order else 0)
    return ModelCost(table + backbone.num_parameters(), backbone.multiply_adds())


def multiply_adds(layout: FieldLayout, config: LearningConfig) -> int:
    """Multiply-adds of a row with every dimension kept."""
    return model_cost(layout, config).multiply_adds


def _within(layout: FieldLayout, config: LearningConfig, limit: float) -> LearningConfig | None:
    """The settings with the largest hidden layers of which the members together keep within the limit."""
    steps = range(1, SHRINKAGE + 1)
    fitting = bisect_right(steps, limit, key=lambda step: multiply_adds(layout, _scaled(config, step / SHRINKAGE)))
    return _scaled(config, fitting / SHRINKAGE) if fitting else None


def _scaled(config: LearningConfig, factor: float) -> LearningConfig:
    """Hidden layers times a factor, of at least one unit."""
    changed = config.backbone.with_hidden(lambda hidden: tuple(max(1, round(units * factor)) for units in hidden))
    return config.model_copy(update={"backbone": changed})
