"""One side of a refresh: a model with all that serves it, on the rows and ids of the newer table."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.data.grown_encoder import Growth, Start
from ihas.models.network import NetworkWeights
from ihas.models.prediction import GroupModel
from ihas.rates import stability
from ihas.routing.additive import AdditiveRouter
from ihas.routing.grouping import Grouping, PartGroups
from ihas.stages.cluster.assignment import Clustering, Division
from ihas.stages.cluster.stage import assign_parts, form_candidates, form_groups
from ihas.stages.cluster.thresholds import Scorer
from ihas.stages.evaluate.variants import Variant, gated_variant, grouped_variant, static_variant
from ihas.stages.search import SearchResult
from ihas_pipelines.runs.predecessor import Predecessor


@dataclass(frozen=True)
class WarmModel:
    """Models, gates and groups over the newer table's ids.

    Attributes:
        models: one per group.
        config: settings that they were trained with.
        gated: whether each row is masked by its own gates.
        found: the search, whose table and gates route.
        grouping: groups of the newer rows; without rows where no model is a group's.
    """

    models: tuple[GroupModel, ...]
    config: LearningConfig
    gated: bool
    found: SearchResult
    grouping: Grouping

    def variant(self, name: str, before: Variant, parts: Splits) -> Variant:
        """The model as a way of serving, with its answers; `before` tells how many dimensions gates keep."""
        if self.gated:
            kept = before.cost.kept_dims / self.models[0].mask.size
            made = gated_variant(self.models[0].weights, self.found.gates, kept, parts, self.config)
        elif len(self.models) > 1:
            made = grouped_variant(name, self.models, self.grouping, self.found.gates, parts, self.config)
        else:
            made = static_variant(self.models, parts, self.config)
        return replace(made, name=name)


def is_plain(model: WarmModel | Variant) -> bool:
    """Whether it is one model that reads every dimension."""
    return len(model.models) == 1 and not model.gated and bool(model.models[0].mask.all())


def grown_model(earlier: Predecessor, growth: Growth, parts: Splits, start: Start) -> WarmModel:
    """The model of a run over a grown vocabulary, its groups those of the newer rows.

    Args:
        earlier: the run.
        growth: from its ids to those of the newer table.
        parts: the newer rows.
        start: what new ids start from: `mean`, to learn on; `unknown`, to answer as before.
    """
    served = earlier.served
    models = tuple(grown_models(served.models, growth, start))
    found = replace(earlier.found, weights=grown_weights(earlier.found.weights, growth, start))
    model = WarmModel(models, served.config, served.gated, found, _grown_grouping(earlier.grouping, growth))
    return model if len(models) == 1 else replace(model, grouping=regrouped(model, parts))


def grown_models(models: tuple[GroupModel, ...], growth: Growth, start: Start) -> list[GroupModel]:
    """Models over a grown vocabulary; those of one name go on sharing their weights."""
    weights = {model.name: grown_weights(model.weights, growth, start) for model in {one.name: one for one in models}.values()}
    return [GroupModel(model.name, weights[model.name], model.mask) for model in models]


def grown_weights(weights: NetworkWeights, growth: Growth, start: Start) -> NetworkWeights:
    """A network's parameters over a grown vocabulary."""
    return NetworkWeights(growth.rows(weights.table, start), weights.backbone)


def _grown_grouping(grouping: Grouping, growth: Growth) -> Grouping:
    """The groups without rows; new ids add nothing to the sums, as unknown values do."""
    sums = grouping.sums
    if sums is not None:
        sums = AdditiveRouter(growth.new, growth.rows(sums.weights, "zero"), sums.bias)
    return replace(grouping, groups=PartGroups.without_rows(), sums=sums)


def regrouped(model: WarmModel, parts: Splits) -> Grouping:
    """The same groups and masks, with the group of every newer row and the gates of each group's."""
    kept = model.grouping
    (assigned,) = assign_parts(_clustering(model, parts), [Division(kept.on, kept.centroids, kept.sums, kept.agreement)])
    counts = np.bincount(assigned.train.group, minlength=kept.num_groups)[:, None]
    gates = (assigned.train.open_counts / np.maximum(counts, 1)).astype(np.float32).reshape(kept.mean_gates.shape)
    return replace(kept, groups=PartGroups(assigned.train.group, assigned.valid.group, assigned.test.group), mean_gates=gates)


def formed_anew(model: WarmModel, parts: Splits) -> WarmModel:
    """As many groups by the search's gates on the newer rows, with masks of their own; each starts from the model that serves most rows.

    The model itself where the newer rows make no such number of groups.
    """
    kept, clustering = model.grouping, _clustering(model, parts)
    scorer, wanted = Scorer(parts, model.found.weights, model.config), [(kept.num_groups, kept.on)]
    candidates = (form_groups if kept.sums is None else form_candidates)(clustering, wanted, scorer)
    if not candidates:  # a field has fewer values than it had
        return model
    formed = candidates[-1]
    start = model.models[int(np.bincount(kept.groups.train, minlength=kept.num_groups).argmax())]
    models = tuple(GroupModel("shared", start.weights, mask) for mask in formed.masks)
    return replace(model, models=models, grouping=replace(formed, tried=kept.tried))


def _clustering(model: WarmModel, parts: Splits) -> Clustering:
    return Clustering(parts, model.found.weights, model.found.gates, model.config)


def group_drift(earlier: Predecessor, model: WarmModel) -> float:
    """Population stability index (`ihas.rates.stability`) of the newest rows' groups, those of validation, against the training rows' of
    the run before."""
    before = earlier.grouping.groups.train[: len(earlier.data.parts.train)]
    expected, found = (_shares(groups, model.grouping.num_groups) for groups in (before, model.grouping.groups.valid))
    return stability(found, expected)


def _shares(groups: np.ndarray, number: int) -> list[float]:
    shares: list[float] = (np.bincount(groups, minlength=number) / max(len(groups), 1)).tolist()
    return shares
