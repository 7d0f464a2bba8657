"""Pruning: a larger model drops the dimensions that move its answers least, until it costs no more than a smaller one.

    moved   s[f, d]^2 = mean over rows of (d logit / d e[f, d] * (e[f, d] - mean e[f, d]))^2
    mask    greedily the dimensions of largest  s[f, d] / (t * k / A + (1 - t) * rows_f / P)  that still fit in A multiply-adds and
            P parameters, for the share t in {0, 1/8, ..., 1} under which the kept s add up to the most; k multiply-adds a dimension
    then    training from fresh weights under the mask

Members of twice the plain model's embedding lose nothing by half of their dimensions: four of them cost as many multiply-adds as it does.
Where one field has most of the rows, to keep within its parameters too costs more than members are worth, so both are made.
Source: the criterion is the first-order one of Molchanov et al. (ICLR 2017), for the logit instead of the loss, which is flat where
training ended; two limits at once are our choice (decision 94).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ihas.config.budget import BudgetConfig
from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.data.mapped import scattered, spans
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.network import Network, NetworkWeights
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.stages.members import COST_TOLERANCE, PRUNED_FROM, MemberModel, ModelCost, model_cost
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import train_plain
from ihas.training.steps import Steps
from ihas.training.trainer import EpochListener

SENSITIVITY_ROWS, BLOCK_ROWS = 20_000, 2_048
NO_PRICE = 1e-30
"""What a dimension costs at least: where its only limit is none, those that move most come first."""
WORTH_WIDER = 1.05
"""Times the sensitivity that a mask without a limit on parameters must keep to be trained too."""
SHARES = 8
"""Steps in which the price of a dimension moves from parameters alone to multiply-adds alone."""


@dataclass(frozen=True)
class Limits:
    """What a pruned model keeps within; `wide` where parameters are not limited although none were stated."""

    multiply_adds: float
    parameters: float
    wide: bool = False

    def admit(self, cost: ModelCost) -> bool:
        """Whether a model of this cost keeps within them."""
        return cost.parameters <= self.parameters and cost.multiply_adds <= self.multiply_adds


@dataclass(frozen=True)
class PrunedModel:
    """A larger model with fewer dimensions.

    Attributes:
        config: settings of the larger model.
        wide: whether it may have more parameters than the plain model.
        weights: over all num_fields * dim elements.
        mask: bool (num_fields, dim). Dimensions it reads.
        history: its epochs.
        courses: how it came to its weights, all under the mask.
        heads: its backbone of each further task; empty where there is one label.
    """

    config: LearningConfig
    wide: bool
    weights: NetworkWeights
    mask: np.ndarray
    history: tuple[EpochMetrics, ...]
    courses: tuple[Steps, ...] = ()
    heads: tuple[Weights, ...] = ()


def pruning_limits(budget: BudgetConfig, plain: LearningConfig, layout: FieldLayout) -> tuple[Limits, ...]:
    """What larger models are pruned to: the stated limits; else the plain model's cost and a tenth, once without its parameters.

    Where parameters alone are stated, multiply-adds are limited as the choice limits them: to the plain model's and a tenth.
    """
    own = model_cost(layout, plain)
    adds = COST_TOLERANCE * own.multiply_adds
    if budget.multiply_adds is not None or budget.parameters is not None:
        unstated = math.inf if budget.admits_larger else adds
        return (Limits(budget.multiply_adds or unstated, budget.parameters or math.inf),)
    return (Limits(adds, COST_TOLERANCE * own.parameters), Limits(adds, math.inf, wide=True))


def prune_larger(
    parts: Splits, larger: tuple[MemberModel, ...], wanted: tuple[Limits, ...], listen: EpochListener
) -> tuple[PrunedModel, ...]:
    """Larger models within each of the limits; those that are within them already are left out.

    Args:
        parts: encoded rows.
        larger: trained models, the cheapest first.
        wanted: what each is pruned to.
        listen: told of every epoch.

    Raises:
        TrainingError: a loss became infinite or not a number.
    """
    train, trainings = parts.train, list[Callable[[EpochListener], PrunedModel]]()
    costs = [model_cost(train.layout, model.config) for model in larger]
    moved, reached = dict[int, np.ndarray](), dict[int, float]()
    for limits in wanted:
        for number in _worth_pruning(costs, limits):
            model = larger[number]
            if number not in moved:
                moved[number] = _of_every_task(model, train)
            mask = find_mask(model.config, train.layout, moved[number], limits)
            kept = 0.0 if mask is None else float(moved[number][mask].sum())
            if mask is not None and kept > WORTH_WIDER * reached.get(number, 0.0):
                trainings.append(partial(_train_under, parts, model, Pruning(mask, limits.wide)))
                reached[number] = kept
    if not trainings:
        return ()
    widest = max((model.config for model in larger), key=lambda config: config.training.embedding_dim)
    return tuple(train_in_parallel(trainings, train, widest, listen))


def _worth_pruning(costs: list[ModelCost], limits: Limits) -> list[int]:
    """Which models to prune: the first that is not within the limits, and others of at most `PRUNED_FROM` times their multiply-adds."""
    above = [number for number, cost in enumerate(costs) if not limits.admit(cost)]
    return above[:1] + [number for number in above[1:] if costs[number].multiply_adds <= PRUNED_FROM * limits.multiply_adds]


def find_mask(config: LearningConfig, layout: FieldLayout, moved: np.ndarray, limits: Limits) -> np.ndarray | None:
    """Dimensions that a model keeps within the limits: bool (num_fields, dim); None where not even one keeps within them.

    Args:
        config: settings of the model.
        layout: where the fields lie.
        moved: float64 (num_fields, dim). By how much each dimension moves the logit of a row.
        limits: multiply-adds and parameters.
    """
    shape = moved.shape
    first, whole = model_cost(layout, config, _first(np.arange(moved.size), 1, shape)), model_cost(layout, config)
    each = (whole.multiply_adds - first.multiply_adds) / max(moved.size - 1, 1)
    rows = np.repeat(np.asarray(layout.vocabulary_sizes, np.float64), shape[1])
    prices = Prices(each, rows, limits.multiply_adds - first.multiply_adds + each, limits.parameters - first.parameters + rows[0])
    bought = [_bought(moved.ravel(), prices, limits, share) for share in np.linspace(0.0, 1.0, SHARES + 1)]
    return _largest_within(config, layout, max(bought, key=lambda order: float(moved.ravel()[order].sum())), limits)


class Prices(NamedTuple):
    """What dimensions take of the limits, on average of all, and what there is of them.

    Attributes:
        adds: multiply-adds of a dimension.
        rows: float64 (num_fields * dim,). Parameters of each.
        adds_left: multiply-adds for all dimensions.
        rows_left: parameters for all.
    """

    adds: float
    rows: np.ndarray
    adds_left: float
    rows_left: float


def _bought(moved: np.ndarray, prices: Prices, limits: Limits, share: float) -> np.ndarray:
    """Dimensions in the order of what they move for their price, those left out that no longer fit: int (kept,), of num_fields * dim."""
    price = share * prices.adds / limits.multiply_adds + (1.0 - share) * prices.rows / limits.parameters
    adds_left, rows_left, kept = prices.adds_left, prices.rows_left, list[int]()
    for one in np.argsort(-moved / np.maximum(price, NO_PRICE), kind="stable").tolist():
        rows = float(prices.rows[one])
        if prices.adds <= adds_left and rows <= rows_left:
            kept.append(one)
            adds_left, rows_left = adds_left - prices.adds, rows_left - rows
    return np.array(kept, np.int64)


def _largest_within(config: LearningConfig, layout: FieldLayout, order: np.ndarray, limits: Limits) -> np.ndarray | None:
    """The first of the dimensions, as many as keep within the limits; None where the first one does not."""
    shape = (layout.num_fields, config.training.embedding_dim)

    def admits(count: int) -> bool:
        return limits.admit(model_cost(layout, config, _first(order, count, shape)))

    few = len(order) if len(order) and admits(len(order)) else bisect_left(range(1, len(order)), True, key=lambda count: not admits(count))
    return _first(order, few, shape) if few else None


def _first(order: np.ndarray, count: int, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask.flat[order[:count]] = True
    return mask


def sensitivity(weights: NetworkWeights, train: Dataset, config: LearningConfig) -> np.ndarray:
    """By how much each dimension moves the logit of a row, as a root mean square: float64 (num_fields, dim)."""
    layout, dim = train.layout, config.training.embedding_dim
    network = Network(layout, config.backbone, dim)
    network.assign(weights)
    count = min(SENSITIVITY_ROWS, len(train))
    ids = scattered(train.ids, np.sort(generator(config.seed, "sensitivity").choice(len(train), count, replace=False)))
    moved, mean = np.zeros(layout.num_fields * dim), _mean_embedding(network, ids)
    for block in spans(count, BLOCK_ROWS):
        rows = tf.constant(ids[block])
        embedded, first_order = network.embed_members(network.look_up(rows), rows)
        summed = None if first_order is None else tf.reduce_sum(first_order, axis=2)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(embedded)
            logits = network.backbone(embedded, summed, None)
        gradient = tape.gradient(logits, embedded).numpy()
        moved += np.square(gradient * (embedded.numpy() - mean), dtype=np.float64).sum(axis=0)
    return np.asarray(np.sqrt(moved / count).reshape(layout.num_fields, dim))


def _of_every_task(model: MemberModel, train: Dataset) -> np.ndarray:
    """Sensitivity of a model, of several tasks the root of the sum of their squares: float64 (num_fields, dim)."""
    tasks = [NetworkWeights(model.weights.table, backbone) for backbone in (model.weights.backbone, *model.heads)]
    each = [sensitivity(weights, train, model.config) for weights in tasks]
    return each[0] if len(each) == 1 else np.asarray(np.sqrt(np.square(each).sum(axis=0)))


def _mean_embedding(network: Network, ids: np.ndarray) -> np.ndarray:
    total = np.zeros(network.layout.num_fields * network.dim)
    for block in spans(len(ids), BLOCK_ROWS):
        rows = tf.constant(ids[block])
        total += network.embed_members(network.look_up(rows), rows)[0].numpy().sum(axis=0, dtype=np.float64)
    return total / len(ids)


class Pruning(NamedTuple):
    """A mask, bool (num_fields, dim), and whether parameters were not limited."""

    mask: np.ndarray
    wide: bool


def _train_under(parts: Splits, model: MemberModel, pruning: Pruning, listen: EpochListener) -> PrunedModel:
    config, (mask, wide) = model.config, pruning
    members = config.backbone.members
    name = f"pruned/{members}x{config.training.embedding_dim // members}{'/wide' * wide}"
    trained = train_plain(parts, config, name, listen, mask)
    return PrunedModel(config, wide, trained.weights, mask, trained.history, trained.courses, trained.heads)
