"""Every variant that is compared: the candidates, and the controls that say what the method's parts are worth.

    static           one group: is more than one worth it?
    random groups    does it matter who is in a group?
    groups on e      do the gates matter for grouping?
    groups on z      and do the gates alone suffice?    (or on e*z, where validation chose z)

Controls are trained exactly as the groups are.
"""

from __future__ import annotations

from collections.abc import Callable

from ihas.cluster.stage import Clustering, form_groups, random_groups
from ihas.cluster.thresholds import Scorer
from ihas.config import LearningConfig
from ihas.evaluate.variants import Variant, gated_variant, grouped_variant, plain_variant, static_variant
from ihas.grouping import Grouping
from ihas.retrain.stage import Retraining, retrain_groups
from ihas.routing import PointsOf
from ihas.training import EpochListener
from pipelines.folder import RunFolder, stage_key
from pipelines.trained import Trained


def train_controls(folder: RunFolder, before: str, trained: Trained, config: LearningConfig, listen: EpochListener) -> tuple[Variant, ...]:
    """All variants, the base first; each is kept in the run folder once it is done."""

    def kept(name: str, compute: Callable[[], Variant]) -> Variant:
        variant: Variant = folder.stage(name, stage_key(name, before, "variant"), compute)
        return variant

    parts, found, grouping = trained.data.parts, trained.found, trained.grouping
    clustering = Clustering(parts, found.weights, found.gates, config)

    def control(name: str, form: Callable[[Scorer], Grouping]) -> Variant:
        own = form(Scorer(parts, found.weights, config))
        models = retrain_groups(Retraining(parts, own, found.weights, config, name), listen).models
        return static_variant(models, parts, config) if name == "static" else grouped_variant(name, models, own, found.gates, parts, config)

    variants = [
        kept("base", lambda: plain_variant(trained.base.weights, parts, config)),
        kept("static", lambda: control("static", lambda scorer: form_groups(clustering, 1, "masked", scorer))),
        kept("supernet", lambda: gated_variant(found.weights, found.gates, found.diversity.kept_fraction, parts, config)),
        kept("grouped", lambda: grouped_variant("grouped", trained.retrained.models, grouping, found.gates, parts, config)),
    ]
    if config.evaluate.controls:
        number = grouping.num_groups
        other: PointsOf = "mask" if grouping.on == "masked" else "masked"
        variants += [
            kept("random groups", lambda: control("random groups", lambda scorer: random_groups(clustering, number, scorer))),
            kept("groups on e", lambda: control("groups on e", lambda scorer: form_groups(clustering, number, "embedding", scorer))),
            kept(other_name(other), lambda: control(other_name(other), lambda scorer: form_groups(clustering, number, other, scorer))),
        ]
    return tuple(variants)


def other_name(on: PointsOf) -> str:
    """Name of the control that clusters what the grouped variant does not."""
    return "groups on z" if on == "mask" else "groups on e*z"
