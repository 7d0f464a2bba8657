"""The stages of a run of the kind `grouped`, as a table that `ihas_pipelines.runs.run` walks; what each one computes is in `ihas.stages`.

A stage reads what the stages before it left on the `Run` and leaves its own output there. Its folder and key are part of a run folder's
format: a run that is resumed finds finished stages by them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ihas.config.backbone import AUTO
from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.config.retrieval import RetrievalConfig
from ihas.data.dataset import Splits
from ihas.data.ingest import ingest
from ihas.data.item_table import ItemTable
from ihas.data.places import contents_of
from ihas.data.storage import Ingested, load_ingested
from ihas.models.network import NetworkWeights
from ihas.results.run_result import RunResult
from ihas.routing.grouping import Grouping
from ihas.serving.requests import MAX_ROWS
from ihas.stages.base import BaseResult, train_base
from ihas.stages.cluster.assignment import Clustering, check_numbers
from ihas.stages.cluster.stage import MAX_GROUPS, cluster_instances, one_group
from ihas.stages.distil import Distilled, distil, distillation_splits, student_config
from ihas.stages.kinds import KindsTried, try_kinds
from ihas.stages.members import MemberModel, MembersResult, train_larger, train_members
from ihas.stages.numbers import ingest_best
from ihas.stages.prune import PrunedModel, prune_larger, pruning_limits
from ihas.stages.retrain import Retraining, RetrainResult, retrain_groups
from ihas.stages.retrieve.ranker import Ranker
from ihas.stages.retrieve.stage import RetrievalTowers, Retrieving, learn_retrieval
from ihas.stages.search import SearchResult, search_gates
from ihas.training.parallel import train_in_parallel
from ihas_pipelines.runs.assemble import assemble
from ihas_pipelines.runs.data_key import joined_contents, reading_settings
from ihas_pipelines.runs.folder import RunFolder, stage_key
from ihas_pipelines.runs.progress import Report, StageName
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.several import one_model
from ihas_pipelines.runs.threads import on_several, threads
from ihas_pipelines.runs.trained import Trained
from ihas_pipelines.runs.variants import train_variants


@dataclass
class Run:
    """One recipe on one run folder, with the outputs of the stages so far.

    Attributes:
        keys: keys of the stages so far.
        resolved: settings with what the trials of kinds and of the base chose; None before them.
        data: encoded rows, encoder, schema, items.
        kinds: kinds of backbone that were tried; None where the recipe states one.
        base: the plain model.
        plain: settings of the plain model.
        members: several small models; None where none cost as little as the plain one.
        larger: more members, which cost more than the plain model.
        pruned: the larger ones, with no more dimensions than may be served.
        distilled: teacher and student; None without a teacher.
        taught: whether everything after the teacher learns from its answers: its student ranks validation rows best so far.
        parts: rows that all stages after the base learn from: the encoded rows, labelled and augmented by the teacher.
        found: gates and weights of the search.
        grouping: groups.
        retrained: models of the groups.
        retrieval: retrieval towers; None where all items can be scored.
        result: comparison and choice.
    """

    recipe: Recipe
    folder: RunFolder
    reporter: Reporter
    began: float = field(default_factory=time.monotonic)
    keys: list[str] = field(default_factory=list)
    resolved: LearningConfig | None = None
    data: Ingested = field(init=False)
    kinds: KindsTried | None = None
    base: BaseResult = field(init=False)
    plain: LearningConfig = field(init=False)
    members: MembersResult | None = None
    larger: tuple[MemberModel, ...] = ()
    pruned: tuple[PrunedModel, ...] = ()
    distilled: Distilled | None = None
    taught: bool = False
    parts: Splits = field(init=False)
    found: SearchResult = field(init=False)
    grouping: Grouping = field(init=False)
    retrained: RetrainResult = field(init=False)
    retrieval: RetrievalTowers | None = None
    result: RunResult = field(init=False)

    @property
    def learning(self) -> LearningConfig:
        """Settings of training and search; after the base, with what its trials chose."""
        return self.resolved or self.recipe.learning

    @property
    def start(self) -> NetworkWeights:
        """What the search starts from: the student, or the better of the plain model and the members."""
        if self.distilled is not None and self.taught:
            return self.distilled.student
        return self.members.split.weights if self.members is not None and self.members_are_better else self.base.weights

    @property
    def members_are_better(self) -> bool:
        """Whether several small models rank validation rows better than the plain one."""
        return self.members is not None and self.members.split.score > self.base.trials[0].score

    def key(self, name: str, settings: Any) -> str:
        """Key of the next stage, after all stages before it."""
        self.keys.append(stage_key(name, self.keys[-1] if self.keys else "", settings))
        return self.keys[-1]


def always(_run: Run) -> bool:
    """Every run needs the stage."""
    return True


@dataclass(frozen=True)
class Stage:
    """A row of the table.

    Attributes:
        name: unique name.
        label: message when it begins; `{file}` stands for the data's file.
        share: share of a run's time, measured on the coupon and Frappe tables with the default settings.
        run: carries it out.
        shown_as: name in progress lines, where it is not `name`.
        wanted: whether a run needs it.
    """

    name: str
    label: str
    share: float
    run: Callable[[Run], None]
    shown_as: StageName | None = None
    wanted: Callable[[Run], bool] = always


def run_reporter(report: Report) -> Reporter:
    """Reporter of a run through `STAGES`."""
    shown_as = {stage.name: stage.shown_as for stage in STAGES if stage.shown_as is not None}
    return Reporter(report, {stage.name: stage.share for stage in STAGES}, shown_as)


def read_data(run: Run) -> None:
    """Read, check, split and encode the table."""
    data, learning = run.recipe.data, run.learning
    files = {name: path for name in ("path", "valid_path", "test_path") if (path := getattr(data, name)) is not None}
    files |= {f"appended {number}": path for number, path in enumerate(data.appended, start=1)}
    settings = {
        "files": {name: found for name, path in files.items() if (found := contents_of(path, data.format))} | joined_contents(data),
        "data": reading_settings(data),
        "learning": learning.model_dump(mode="json", include={"encoding", "split", "seed"}),
    }
    key = run.key("data", settings)
    run.data = run.folder.stage_folder(
        "data", key, lambda folder: _write_data(run, folder), lambda folder: load_ingested(folder / "encoded")
    )
    rows = {name: len(getattr(run.data.parts, name)) for name in ("train", "valid", "test")}
    check_numbers(learning, rows["train"])
    run.reporter.say(f"{rows['train']:,} training, {rows['valid']:,} validation and {rows['test']:,} test rows")


def _write_data(run: Run, folder: Path) -> None:
    data, learning, target = run.recipe.data, run.recipe.learning, folder / "encoded"
    if learning.encoding.numeric != "auto":
        ingest(data, learning.encoding, learning.split, learning.seed, target)
        return
    for form, found in ingest_best(data, learning, target, run.reporter.epoch).items():
        run.reporter.say(f"Numbers as {form}: validation AUC {found:.4f}")


def wants_kinds(run: Run) -> bool:
    """Whether the recipe leaves the kind of backbone open."""
    return run.recipe.learning.backbone.kind == AUTO


def choose_kind(run: Run) -> None:
    """Try kinds of backbone on some of the rows; everything after has the one that validation prefers."""
    learning, most = run.recipe.learning, run.recipe.budget.multiply_adds or math.inf
    settings = learning.model_dump(mode="json", include={"backbone", "training"})
    limits = [run.recipe.budget.multiply_adds, threads(run.recipe.run), *on_several(run.recipe.run).values()]
    key = run.key("kinds", [settings, *limits])
    run.kinds = run.folder.stage("kinds", key, lambda: try_kinds(run.data.parts, learning, most, run.reporter.epoch))
    run.resolved = run.kinds.resolved(learning)
    best = run.kinds.trials[0]
    run.reporter.say(f"`{best.kind}` ranks {best.rows:,} rows best: validation AUC {best.auc:.4f} at {best.multiply_adds:,} multiply-adds")


def train_plain_model(run: Run) -> None:
    """Train the plain model, which also chooses the settings that the recipe leaves open."""
    learning = run.learning
    settings = learning.model_dump(mode="json", include={"backbone", "training"}) | {"threads": threads(run.recipe.run)}
    settings |= on_several(run.recipe.run)
    if learning.backbone.members == 1:
        del settings["backbone"]["members"]  # older versions had no such setting, and the plain model is the same
    key = run.key("base", settings)
    run.base = run.folder.stage("base", key, lambda: train_base(run.data.parts, learning, run.reporter.epoch))
    run.resolved = run.plain = run.base.resolved(learning)
    run.parts = run.data.parts


def wants_members(run: Run) -> bool:
    """Whether the recipe wants several small models tried."""
    return bool(run.learning.members.counts)


def split_into_members(run: Run) -> None:
    """Train several small models in the place of the plain one; where they are better, everything after learns as many."""
    learning, parts = run.learning, run.data.parts
    key = run.key("members", learning.members.model_dump(mode="json", include={"counts"}))
    run.members = run.folder.stage("members", key, lambda: train_members(parts, learning, run.reporter.epoch))
    if run.members is None:
        run.reporter.say("No number of members costs as little as the plain model")
        return
    split = run.members.split
    better = run.members_are_better
    count = split.config.backbone.members
    members = f"{count} members of {split.config.training.embedding_dim // count} dimensions"
    run.reporter.say(f"{members} are {'better' if better else 'no better'} than the plain model on validation rows")
    if better:  # what the recipe says of later stages is its own: a kept stage may be of a recipe that said otherwise
        run.resolved = learning.model_copy(update={"backbone": split.config.backbone, "training": split.config.training})


def wants_larger(run: Run) -> bool:
    """Whether the recipe wants models tried that cost more than the plain one."""
    return bool(run.learning.members.larger)


def train_larger_models(run: Run) -> None:
    """Train more members than the plain model's cost allows; nothing after reads them but the comparison."""
    limits = run.recipe.budget
    run.larger = run.folder.stage("larger", _larger_key(run), lambda: train_larger(run.data.parts, run.plain, limits, run.reporter.epoch))


def _larger_key(run: Run) -> str:
    limits, members = run.recipe.budget, run.plain.members
    of_pruning = ["prune"] * members.prune  # without it the key is that of versions that pruned nothing, and so are the models
    settings = [members.model_dump(mode="json", include={"larger"}), limits.multiply_adds, limits.parameters, *of_pruning]
    return stage_key("larger", run.keys[-1], settings)


def wants_pruned(run: Run) -> bool:
    """Whether the recipe wants larger models pruned."""
    return wants_larger(run) and run.learning.members.prune


def prune_larger_models(run: Run) -> None:
    """Prune larger models to the plain one's cost, or to the budget; nothing after reads them but the comparison."""
    limits = pruning_limits(run.recipe.budget, run.plain, run.data.parts.train.layout)
    settings = [[str(limit) for limit in (one.multiply_adds, one.parameters)] for one in limits]
    key = stage_key("prune", _larger_key(run), settings)
    run.pruned = run.folder.stage("prune", key, lambda: prune_larger(run.data.parts, run.larger, limits, run.reporter.epoch))
    for one in run.pruned:
        run.reporter.say(f"{one.config.backbone.members} members keep {one.mask.sum():,} of {one.mask.size:,} dimensions")


def distil_teacher(run: Run) -> None:
    """Train a teacher and its student; later stages learn from the distillation set, unless the teacher is no better."""
    learning, data = run.learning, run.data
    key = run.key("distil", learning.distil.model_dump(mode="json"))
    training = partial(distil, data.parts, run.base.weights, run.plain, learning)
    run.distilled = run.folder.stage(
        "distil", key, lambda: train_in_parallel([training], data.parts.train, learning, run.reporter.epoch)[0]
    )
    if run.distilled is None:
        run.reporter.say("The teacher fits validation rows no better than the plain model: later stages learn from the clicks alone")
        return
    untaught = [run.base.trials[0].score, *([] if run.members is None else [run.members.split.score])]
    run.taught = run.distilled.score > max(untaught)
    if not run.taught:
        run.key("clicks", {})  # a run of an earlier version that was begun here went on with the student
        run.reporter.say("The student ranks validation rows no better than what learnt from the clicks: later stages learn from them alone")
        return
    run.resolved = student_config(learning)
    run.parts = distillation_splits(data.parts, run.distilled.labels, learning)


def has_one_label(run: Run) -> bool:
    """Whether the recipe has no further labels: teacher, gates and groups learn one."""
    return not run.recipe.data.columns.tasks


def wants_teacher(run: Run) -> bool:
    """Whether the recipe wants a teacher."""
    return run.learning.distil.members > 0 and has_one_label(run)


def leave_search_out(run: Run) -> None:
    """One model for all rows, of several labels."""
    run.found, run.grouping, run.retrained = one_model(run.parts, run.start, run.learning.training.embedding_dim)
    run.reporter.say(f"{', '.join(run.data.schema.exponents)} are learnt together: teacher, gates and groups learn one, and are left out")


def search(run: Run) -> None:
    """Search the gates, from the student's weights or the plain model's."""
    learning, start = run.learning, run.start
    key = run.key("search", learning.search.model_dump(mode="json"))
    training = partial(search_gates, run.parts, start, learning)
    run.found = run.folder.stage("search", key, lambda: train_in_parallel([training], run.parts.train, learning, run.reporter.epoch)[0])
    diversity = run.found.diversity
    masks = f"{diversity.distinct_masks:,} distinct masks in {diversity.rows:,} rows"
    if run.found.given_up:
        epochs = sum(epoch.model == "search" for epoch in run.found.history)
        run.reporter.say(f"Search given up after {epochs} epochs: under gates the AUC stayed clearly below the model that it started from")
        return
    run.reporter.say(f"Gates found: {masks}, mean gate activation {diversity.kept_fraction:.0%}")


def cluster(run: Run) -> None:
    """Group the instances by their gates."""
    clustering = Clustering(run.parts, run.found.weights, run.found.gates, run.learning)
    max_groups = run.recipe.budget.groups or MAX_GROUPS
    unless_stated = {"router"} if run.learning.cluster.router == "auto" else None  # keys of runs that were begun before there was one
    settings = run.learning.cluster.model_dump(mode="json", exclude=unless_stated)
    key = run.key("cluster", settings | {"most_groups": max_groups})
    form = partial(one_group, clustering) if run.found.given_up else partial(cluster_instances, clustering, max_groups)
    run.grouping = run.folder.stage("cluster", key, form)
    agreement = run.grouping.agreement
    how = "" if agreement is None else f"; sums over ids say the same group as K-means for {agreement:.1%} of the validation rows"
    count = run.grouping.num_groups
    run.reporter.say(f"{count} groups{how}" if count > 1 else "One group: nothing to tell rows apart by")


def retrain(run: Run) -> None:
    """Train the model of each group."""
    retraining = Retraining(run.parts, run.grouping, run.found.weights, run.learning, "grouped")
    key = run.key("retrain", run.learning.retrain.model_dump(mode="json"))
    run.retrained = run.folder.stage("retrain", key, lambda: retrain_groups(retraining, run.reporter.epoch))
    if run.retrained.given_up:
        run.reporter.say("Training on under the groups' masks given up: the AUC stayed clearly below that of the search's weights")


def needs_retrieval(run: Run) -> bool:
    """Whether the recipe and the number of items ask for retrieval towers."""
    return run.data.items is not None and wants_towers(run.recipe.learning.retrieval, run.data.items)


def wants_towers(settings: RetrievalConfig, items: ItemTable) -> bool:
    """Whether settings ask for retrieval towers over so many items."""
    return settings.when == "always" or (settings.when == "large" and len(items.names) > MAX_ROWS)


def train_retrieval(run: Run) -> None:
    """Train the retrieval towers, on clicks and on what the search started from, of which all that may be served comes."""
    learning, data, items = run.recipe.learning, run.data, run.data.items
    if items is None:
        return
    settings = learning.retrieval.model_dump(mode="json", exclude={"when"})
    key = stage_key("retrieve", run.keys[-1], [settings, learning.training.embedding_dim, learning.seed, threads(run.recipe.run)])
    ranker = Ranker(run.start, run.learning, data.encoder, items.ids)
    retrieving = Retrieving(data.encoder, items, data.parts.train, data.parts.valid, learning, ranker)
    towers: RetrievalTowers = run.folder.stage("retrieve", key, lambda: learn_retrieval(retrieving, lambda *_: None))
    run.retrieval = towers
    nearest = f"the {towers.judged_at} nearest of {len(items.names):,}"
    run.reporter.say(f"{towers.recall:.1%} of the ten best items of validation rows, by the model, are among {nearest}")


def evaluate(run: Run) -> None:
    """Train the variants to compare, choose one, write the bundle, the report and the result."""
    outputs = (run.data, run.base, run.members, run.larger, run.distilled, run.parts, run.found, run.grouping, run.retrained)
    trained = Trained(*outputs, run.plain, run.learning, run.taught, run.retrieval, run.kinds, run.pruned)
    variants = train_variants(run.folder, run.keys[-1], trained, run.reporter)
    run.reporter.say("Choosing" + (", and training what is chosen once more" if run.recipe.learning.evaluate.refit else ""))
    run.result = assemble(run.recipe, run.folder, trained, variants, run.began, run.keys[-1])


STAGES: tuple[Stage, ...] = (
    Stage("reading", "Reading {file}", 0.02, read_data),
    Stage("kinds", "Trying kinds of backbone", 0.02, choose_kind, shown_as="base", wanted=wants_kinds),
    Stage("base", "Training the plain model", 0.05, train_plain_model),
    Stage("members", "Training several small models", 0.08, split_into_members, shown_as="base", wanted=wants_members),
    Stage("larger", "Training larger models", 0.08, train_larger_models, shown_as="base", wanted=wants_larger),
    Stage("prune", "Pruning larger models", 0.04, prune_larger_models, shown_as="base", wanted=wants_pruned),
    Stage("distil", "Training a teacher and its student", 0.16, distil_teacher, wanted=wants_teacher),
    Stage("one model", "Leaving gates and groups out", 0.0, leave_search_out, shown_as="search", wanted=lambda run: not has_one_label(run)),
    Stage("search", "Searching gates", 0.08, search, wanted=has_one_label),
    Stage("cluster", "Grouping instances by their gates", 0.13, cluster, wanted=has_one_label),
    Stage("retrain", "Training the groups' models", 0.11, retrain, wanted=has_one_label),
    Stage("retrieve", "Training the retrieval towers", 0.01, train_retrieval, shown_as="retrain", wanted=needs_retrieval),
    Stage("evaluate", "Comparing the candidates", 0.22, evaluate),
)
"""The stages in their order."""
