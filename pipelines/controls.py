"""Every variant that is compared: the candidates, and the controls that say what the method's parts are worth.

    static           one group: is more than one worth it?
    random groups    does it matter who is in a group?
    groups on e      do the gates matter for grouping?
    groups on z      and do the gates alone suffice?    (or on e*z, where validation chose z)

Controls are trained exactly as the groups are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ihas.cluster.division import Clustering
from ihas.cluster.stage import form_groups, random_groups
from ihas.cluster.thresholds import Scorer
from ihas.config import LearningConfig
from ihas.evaluate.variants import Variant, gated_variant, grouped_variant, plain_variant, static_variant
from ihas.grouping import Grouping
from ihas.prediction import GroupModel
from ihas.retrain.stage import Retraining, retrain_groups
from ihas.routing import PointsOf
from ihas.search.base import continue_base
from ihas.training import EpochListener
from pipelines.folder import RunFolder, stage_key
from pipelines.reporter import Reporter
from pipelines.trained import Trained


def train_controls(folder: RunFolder, before: str, trained: Trained, config: LearningConfig, reporter: Reporter) -> tuple[Variant, ...]:
    """All variants, the base first; each is kept in the run folder once it is done."""
    makers = candidate_makers(trained, config, reporter.epoch)
    if config.evaluate.controls:
        makers |= control_makers(trained, config, reporter.epoch)
    variants: list[Variant] = []
    for name, make in makers.items():
        reporter.enter("evaluating", f"Comparing: {name}", (len(variants), len(makers)))
        variants.append(folder.stage(f"variant-{name}", stage_key(name, before, "variant"), make))
    return tuple(variants)


def candidate_makers(trained: Trained, config: LearningConfig, listen: EpochListener) -> dict[str, Callable[[], Variant]]:
    """What may be chosen, the simplest first."""
    parts, found, grouping = trained.data.parts, trained.found, trained.grouping

    share = np.bincount(grouping.groups.train, minlength=grouping.num_groups) / len(parts.train)
    kept_fraction = float(share @ grouping.mean_gates.mean(axis=(1, 2)))

    def static() -> Variant:
        (one_group,) = form_groups(_clustering(trained, config), [(1, "masked")], Scorer(parts, found.weights, config))
        return static_variant(_retrain("static", one_group, trained, config, listen), parts, config)

    return {
        "base": lambda: plain_variant(continue_base(parts, trained.base, config, listen).weights, parts, config),
        "static": static,
        "supernet": lambda: gated_variant(found.weights, found.gates, kept_fraction, parts, config),
        "grouped": lambda: grouped_variant("grouped", trained.retrained.models, grouping, found.gates, parts, config),
    }


def control_makers(trained: Trained, config: LearningConfig, listen: EpochListener) -> dict[str, Callable[[], Variant]]:
    """What is there to compare with."""
    parts, found, number = trained.data.parts, trained.found, trained.grouping.num_groups
    other: PointsOf = "mask" if trained.grouping.on == "masked" else "masked"

    def control(name: str, form: Callable[[Clustering, Scorer], Grouping]) -> Callable[[], Variant]:
        def make() -> Variant:
            own = form(_clustering(trained, config), Scorer(parts, found.weights, config))
            return grouped_variant(name, _retrain(name, own, trained, config, listen), own, found.gates, parts, config)

        return make

    makers: dict[str, Callable[[Clustering, Scorer], Grouping]] = {
        "random groups": lambda clustering, scorer: random_groups(clustering, number, scorer),
        "groups on e": lambda clustering, scorer: form_groups(clustering, [(number, "embedding")], scorer)[0],
        other_name(other): lambda clustering, scorer: form_groups(clustering, [(number, other)], scorer)[0],
    }
    return {name: control(name, form) for name, form in makers.items()}


def _clustering(trained: Trained, config: LearningConfig) -> Clustering:
    return Clustering(trained.data.parts, trained.found.weights, trained.found.gates, config)


def _retrain(name: str, grouping: Grouping, trained: Trained, config: LearningConfig, listen: EpochListener) -> tuple[GroupModel, ...]:
    return retrain_groups(Retraining(trained.data.parts, grouping, trained.found.weights, config, name), listen).models


def other_name(on: PointsOf) -> str:
    """Name of the control that clusters what the grouped variant does not."""
    return "groups on z" if on == "mask" else "groups on e*z"
