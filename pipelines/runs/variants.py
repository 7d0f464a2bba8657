"""Every variant that is compared: the candidates, and the controls that say what the method's parts are worth.

    static           one group: is more than one worth it?
    random groups    does it matter who is in a group?
    groups on e      do the gates matter for grouping?
    groups on openness  and do the gates alone suffice?  (or on e*z, where validation chose otherwise)

Controls in groups are trained exactly as the groups are. No variant needs another: with a cluster, all that are not kept yet are trained on
its machines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.models.network import NetworkWeights, table_width
from ihas.models.prediction import GroupModel
from ihas.routing.grouping import Grouping
from ihas.routing.router import PointsOf
from ihas.stages.cluster.assignment import Clustering
from ihas.stages.cluster.stage import form_groups, random_groups
from ihas.stages.cluster.thresholds import Scorer
from ihas.stages.distil import Distilled, teacher_config
from ihas.stages.evaluate.stage import PRUNED, WIDER
from ihas.stages.evaluate.variants import Variant, gated_variant, grouped_variant, plain_variant, static_variant
from ihas.stages.members import MemberModel
from ihas.stages.prune import PrunedModel
from ihas.stages.retrain import Retraining, retrain_groups
from ihas.training.parallel import bytes_held, has_cluster, train_on_cluster
from ihas.training.plain import PlainModel, continue_plain
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.folder import RunFolder, stage_key
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.trained import Trained

Maker = Callable[[EpochListener], Variant]


def train_variants(folder: RunFolder, before: str, trained: Trained, reporter: Reporter) -> tuple[Variant, ...]:
    """All variants, the base first; each is kept in the run folder once it is done."""
    makers = candidate_makers(trained) | (control_makers(trained) if trained.learning.evaluate.controls else {})
    keys = {name: stage_key(name, before, "variant") for name in makers}
    missing = [name for name, key in keys.items() if not folder.has_stage(f"variant-{name}", key)]
    if has_cluster() and len(missing) > 1:
        reporter.enter("evaluate", f"Comparing: {len(missing)} models, on the cluster", (0, len(makers)))
        widest = max((trained.plain, trained.learning, *(one.config for one in trained.larger)), key=table_width)

        def keep(number: int, made: Variant) -> None:
            folder.stage(f"variant-{missing[number]}", keys[missing[number]], lambda: made)

        train_on_cluster([makers[name] for name in missing], bytes_held(trained.parts.train, widest), reporter.epoch, keep)
    variants: list[Variant] = []
    for name, make in makers.items():
        reporter.enter("evaluate", f"Comparing: {name}", (len(variants), len(makers)))
        variants.append(folder.stage(f"variant-{name}", keys[name], partial(make, reporter.epoch)))
    return tuple(variants)


def candidate_makers(trained: Trained) -> dict[str, Maker]:
    """What may be chosen, the simplest first."""
    parts, config, found, grouping = trained.parts, trained.learning, trained.found, trained.instances
    share = np.bincount(grouping.groups.train, minlength=grouping.num_groups) / len(grouping.groups.train)
    kept_fraction = float(share @ grouping.mean_gates.mean(axis=(1, 2)))

    def base(listen: EpochListener) -> Variant:
        real, plain = trained.data.parts, trained.plain
        model = continue_plain(real, trained.base.trials[0].model, plain, "base", listen)
        return plain_variant("base", model.weights, real, plain, model.courses, heads=model.heads)

    def distilled(student: NetworkWeights, listen: EpochListener) -> Variant:
        model = continue_plain(parts, PlainModel(student, ()), config, "student", listen)
        return plain_variant("distilled", model.weights, parts, config)

    def static(listen: EpochListener) -> Variant:
        (one_group,) = form_groups(_clustering(trained), [(1, "masked")], Scorer(parts, found.weights, config))
        return static_variant(_retrain("static", one_group, trained, listen), parts, config)

    def plain(name: str, model: MemberModel | PrunedModel) -> Maker:
        mask = model.mask if isinstance(model, PrunedModel) else None
        return lambda _: plain_variant(name, model.weights, trained.data.parts, model.config, model.courses, mask, model.heads)

    students = dict[str, Maker]()
    larger = {name: plain(name, one) for one in trained.larger for name in [larger_name(one.config, trained.plain)]}
    if trained.members is not None:
        students["members"] = plain("members", trained.members.split)
    students |= {name: plain(name, one) for one in trained.pruned for name in [pruned_name(one, trained.plain)]}
    if trained.distilled is not None:
        students |= {"distilled": partial(distilled, trained.distilled.student)} if trained.taught else {}
        larger["teacher"] = plain("teacher", _teacher(trained.distilled, trained.plain))
    if trained.data.schema.tasks:  # gates and groups learn one label
        return {"base": base, **students, **larger}
    return {
        "base": base,
        **students,
        "static": static,
        "supernet": lambda _: gated_variant(found.weights, found.gates, kept_fraction, parts, config),
        "grouped": lambda _: grouped_variant("grouped", trained.retrained.models, grouping, found.gates, parts, config),
        **larger,
    }


def _teacher(distilled: Distilled, plain: LearningConfig) -> MemberModel:
    return MemberModel(teacher_config(plain), distilled.teacher, (), distilled.courses)


def larger_name(config: LearningConfig, plain: LearningConfig, beginning: str = WIDER) -> str:
    """`members x4`: four times the plain model's embedding; `members x4 of 64-32`: under other hidden layers than its."""
    times, hidden = config.training.embedding_dim // plain.training.embedding_dim, config.backbone.hidden
    return f"{beginning}{times}" + ("" if hidden == plain.backbone.hidden else f" of {'-'.join(map(str, hidden))}")


def pruned_name(model: PrunedModel, plain: LearningConfig) -> str:
    """`pruned x2`, or `pruned x2 wide` where it may have more parameters than the plain model."""
    return larger_name(model.config, plain, PRUNED) + " wide" * model.wide


def control_makers(trained: Trained) -> dict[str, Maker]:
    """What is there to compare with."""
    parts, config, found, number = trained.parts, trained.learning, trained.found, trained.grouping.num_groups
    other: PointsOf = "openness" if trained.grouping.on == "masked" else "masked"

    def control(name: str, form: Callable[[Clustering, Scorer], Grouping]) -> Maker:
        def make(listen: EpochListener) -> Variant:
            own = form(_clustering(trained), Scorer(parts, found.weights, config))
            models = _retrain(name, own, trained, listen)
            return grouped_variant(name, models, own.of_first(len(trained.data.parts.train)), found.gates, parts, config)

        return make

    makers: dict[str, Callable[[Clustering, Scorer], Grouping]] = {
        "random groups": lambda clustering, scorer: random_groups(clustering, number, scorer),
        "groups on e": lambda clustering, scorer: form_groups(clustering, [(number, "embedding")], scorer)[0],
        other_name(other): lambda clustering, scorer: form_groups(clustering, [(number, other)], scorer)[0],
    }
    return {name: control(name, form) for name, form in makers.items()}


def _clustering(trained: Trained) -> Clustering:
    return Clustering(trained.parts, trained.found.weights, trained.found.gates, trained.learning)


def _retrain(name: str, grouping: Grouping, trained: Trained, listen: EpochListener) -> tuple[GroupModel, ...]:
    return retrain_groups(Retraining(trained.parts, grouping, trained.found.weights, trained.learning, name), listen).models


def other_name(on: PointsOf) -> str:
    """Name of the control that clusters what the grouped variant does not."""
    return "groups on openness" if on == "openness" else "groups on e*z"
