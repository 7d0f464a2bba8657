"""The same rows served in several ways: what each variant answers, and what it costs.

parameters per model  kept columns of the table + backbone on the kept dimensions
parameters in total   the router's numbers per id, or its table, gates and centroids + all group models; groups that share a model
                      store one table, of the dimensions that any of them keeps
multiply-adds         an addition per value and group, or gates + distances to the centroids; + backbone of the group model
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.export.onnx_export import restricted_backbone
from ihas.layers.hidden import Weights
from ihas.models.network import NetworkWeights
from ihas.models.prediction import GroupedRows, GroupModel, predict_gated, predict_groups
from ihas.results.run_result import Cost
from ihas.routing.grouping import Grouping, PartGroups
from ihas.routing.router import Gates
from ihas.training.steps import Steps


@dataclass(frozen=True)
class Variant:
    """A way of serving, with its answers.

    Attributes:
        name: `base`, `members`, `distilled`, `static`, `supernet`, `grouped`, or a control's name.
        models: one per group.
        gated: whether each row is masked by its own gates.
        valid_logits: float32 (validation rows,).
        test_logits: float32 (test rows,).
        cost: what it stores and computes.
        config: the settings that its models were trained with.
        courses: how its model came to its weights from fresh ones, on clicks alone; empty where it came to them otherwise.
        heads: its backbone of each further task, over the table of the one model; empty where there is one label.
        valid_tasks: float32 (validation rows,) for each of them.
        test_tasks: float32 (test rows,) for each of them.
    """

    name: str
    models: tuple[GroupModel, ...]
    gated: bool
    valid_logits: np.ndarray
    test_logits: np.ndarray
    cost: Cost
    config: LearningConfig
    courses: tuple[Steps, ...] = ()
    heads: tuple[Weights, ...] = ()
    valid_tasks: tuple[np.ndarray, ...] = ()
    test_tasks: tuple[np.ndarray, ...] = ()

    def of_task(self, number: int) -> GroupModel:
        """The one model as it answers a task, from 0."""
        model = self.models[0]
        return replace(model, weights=NetworkWeights(model.weights.table, (model.weights.backbone, *self.heads)[number]))

    def task_logits(self, rows: Dataset) -> tuple[np.ndarray, ...]:
        """Its answers for each further task: float32 (rows,) each."""
        one_group, count = GroupedRows.one_group(rows), 1 + len(self.heads)
        return tuple(predict_groups((self.of_task(number),), one_group, self.config) for number in range(1, count))


def plain_variant(
    name: str,
    weights: NetworkWeights,
    parts: Splits,
    config: LearningConfig,
    courses: tuple[Steps, ...] = (),
    mask: np.ndarray | None = None,
    heads: tuple[Weights, ...] = (),
) -> Variant:
    """One model for all rows, no router: it reads every dimension, or those of a mask, bool (num_fields, dim)."""
    kept = np.ones((parts.train.layout.num_fields, config.training.embedding_dim), bool) if mask is None else mask
    found = _unrouted(name, (GroupModel(name, weights, kept),), parts, config)
    adds = found.cost.multiply_adds * (1 + len(heads))  # each task's graph is a whole one
    found = replace(found, courses=courses, heads=heads, cost=found.cost.model_copy(update={"multiply_adds": adds}))
    return replace(found, valid_tasks=found.task_logits(parts.valid), test_tasks=found.task_logits(parts.test)) if heads else found


def static_variant(models: tuple[GroupModel, ...], parts: Splits, config: LearningConfig) -> Variant:
    """One group, one mask, no router."""
    return _unrouted("static", models, parts, config)


def _unrouted(name: str, models: tuple[GroupModel, ...], parts: Splits, config: LearningConfig) -> Variant:
    parameters, adds = group_model_cost(models[0], parts.train.layout, config)
    cost = Cost(
        parameters_per_path=parameters, parameters_total=parameters, multiply_adds=adds, kept_dims=float(models[0].mask.sum())
    )  # fmt: skip
    valid, test = (predict_groups(models, GroupedRows.one_group(rows), config) for rows in (parts.valid, parts.test))
    return Variant(name, models, False, valid, test, cost, config)


def gated_variant(weights: NetworkWeights, gates: Gates, kept_fraction: float, parts: Splits, config: LearningConfig) -> Variant:
    """The supernet: one model, each row under its own gates; the router's table is the model's."""
    dim, layout = config.training.embedding_dim, parts.train.layout
    model = GroupModel("supernet", weights, np.ones((layout.num_fields, dim), bool))
    parameters, adds = group_model_cost(model, layout, config)
    cost = Cost(
        parameters_per_path=parameters,
        parameters_total=parameters + gate_parameters(gates),
        multiply_adds=adds + routing_multiply_adds(gates, 0),
        kept_dims=kept_fraction * layout.num_fields * dim,
    )
    valid, test = (predict_gated(weights, gates, rows, config) for rows in (parts.valid, parts.test))
    return Variant("supernet", (model,), True, valid, test, cost, config)


def grouped_variant(
    name: str, models: tuple[GroupModel, ...], grouping: Grouping, gates: Gates, parts: Splits, config: LearningConfig
) -> Variant:
    """A model per group, behind the router."""
    layout, groups = parts.train.layout, grouping.groups
    costs = np.array([group_model_cost(model, layout, config) for model in models], dtype=np.float64)  # (num_groups, 2)
    share = np.bincount(groups.train, minlength=len(models)) / len(groups.train)
    cost = Cost(
        parameters_per_path=float(share @ costs[:, 0]),
        parameters_total=stored_parameters(models, layout, config) + router_parameters(grouping, gates, layout, config),
        multiply_adds=float(share @ costs[:, 1]) + router_multiply_adds(grouping, gates),
        kept_dims=float(share @ [model.mask.sum() for model in models]),
    )
    return Variant(name, models, False, *_answers(models, groups, parts, config), cost, config)


def _answers(models: tuple[GroupModel, ...], groups: PartGroups, parts: Splits, config: LearningConfig) -> tuple[np.ndarray, np.ndarray]:
    valid = predict_groups(models, GroupedRows(parts.valid, groups.valid), config)
    return valid, predict_groups(models, GroupedRows(parts.test, groups.test), config)


def group_model_cost(model: GroupModel, layout: FieldLayout, config: LearningConfig) -> tuple[int, int]:
    """Parameters and multiply-adds of one group model."""
    backbone = restricted_backbone(model, config)
    table = table_parameters(model.mask, layout, first_order=backbone.uses_first_order)
    return table + backbone.num_parameters(), backbone.multiply_adds()


def table_parameters(mask: np.ndarray, layout: FieldLayout, *, first_order: bool) -> int:
    """Numbers of a table that holds these dimensions: bool (num_fields, dim)."""
    return int(np.dot(layout.vocabulary_sizes, mask.sum(axis=1))) + (layout.num_rows if first_order else 0)


def stored_parameters(models: tuple[GroupModel, ...], layout: FieldLayout, config: LearningConfig) -> int:
    """Parameters of all group models; those of one name share a table, and each has its own backbone."""
    total = 0
    for name in dict.fromkeys(model.name for model in models):
        sharing = [model for model in models if model.name == name]
        backbones = [restricted_backbone(model, config) for model in sharing]
        held = np.logical_or.reduce([model.mask for model in sharing])
        total += table_parameters(held, layout, first_order=backbones[0].uses_first_order)
        total += sum(backbone.num_parameters() for backbone in backbones)
    return total


def gate_parameters(gates: Gates) -> int:
    """Numbers stored by the gates, standardisation included."""
    return sum(array.size for array in (*gates.kernels, *gates.biases)) + 2 * gates.mean.size


def router_parameters(grouping: Grouping, gates: Gates, layout: FieldLayout, config: LearningConfig) -> int:
    """Numbers that say the group: of every id for every group, or the search's table, gates and centroids."""
    if grouping.sums is not None:
        return grouping.sums.weights.size + grouping.sums.bias.size
    return layout.num_rows * config.training.embedding_dim + gate_parameters(gates) + grouping.centroids.size


def router_multiply_adds(grouping: Grouping, gates: Gates) -> int:
    """What it takes to say a row's group; an addition counts as a multiply-add."""
    if grouping.sums is not None:
        return grouping.sums.additions
    return routing_multiply_adds(gates, grouping.num_groups)


def routing_multiply_adds(gates: Gates, num_groups: int) -> int:
    """Multiply-adds of one row's gates and of its distances to the centroids."""
    return gates.multiply_adds + gates.mean.size * num_groups
