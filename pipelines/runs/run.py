"""A recipe, carried out: data -> base -> distil -> search -> cluster -> retrain -> evaluate -> bundle.

This page is the order of the stages; what each does is in `ihas`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.config.run import RunOptions
from ihas.data.dataset import Splits
from ihas.data.ingest import ingest
from ihas.data.storage import Ingested, load_ingested
from ihas.folders import file_digest
from ihas.models.network import NetworkWeights
from ihas.results.run_result import RunResult
from ihas.routing.grouping import Grouping
from ihas.serving.requests import MAX_ROWS
from ihas.stages.base import BaseResult, train_base
from ihas.stages.cluster.assignment import Clustering, check_numbers
from ihas.stages.cluster.stage import MAX_GROUPS, cluster_instances
from ihas.stages.distil import Distilled, distil, distillation_splits, student_config
from ihas.stages.retrain import Retraining, RetrainResult, retrain_groups
from ihas.stages.retrieve.stage import RetrievalTowers, Retrieving, learn_retrieval
from ihas.stages.search import SearchResult, search_gates
from pipelines.runs.assemble import pack
from pipelines.runs.folder import RunFolder, stage_key
from pipelines.runs.progress import Report
from pipelines.runs.reporter import Reporter
from pipelines.runs.trained import Trained
from pipelines.runs.variants import train_controls


@dataclass
class Run:
    """One recipe on one run folder."""

    recipe: Recipe
    folder: RunFolder
    reporter: Reporter
    keys: list[str] = field(default_factory=list)
    settled: LearningConfig | None = None

    @property
    def learning(self) -> LearningConfig:
        """What is learnt; after the base, with what its trials settled."""
        return self.settled or self.recipe.learning

    def key(self, name: str, settings: Any) -> str:
        """Key of the next stage, after all stages before it."""
        self.keys.append(stage_key(name, self.keys[-1] if self.keys else "", settings))
        return self.keys[-1]


def run_recipe(recipe: Recipe, path: Path, report: Report) -> RunResult:
    """Carry out a recipe on a run folder; complete stages of an earlier try are read, not computed again.

    Raises:
        ConfigError, DataError, TrainingError: as the stages say.
    """
    folder, began = RunFolder(path), time.monotonic()
    with folder.locked():
        run = Run(recipe, folder, Reporter(report))
        result = stages(run, read_data(run), began)
    run.reporter.finish(result.verdict)
    return result


def stages(run: Run, data: Ingested, began: float) -> RunResult:
    """Everything after the data; `began` is when the run began, by `time.monotonic`."""
    base = _base(run, data)
    plain = run.learning
    distilled, parts = _distil(run, data, base)
    found = _search(run, parts, distilled.student if distilled else base.weights)
    grouping = _cluster(run, parts, found)
    retrained = _retrain(run, parts, found, grouping)
    trained = Trained(data, base, distilled, parts, found, grouping, retrained, plain, run.learning, _retrieve(run, data))
    run.reporter.enter("evaluating", "Comparing with the controls")
    variants = train_controls(run.folder, run.keys[-1], trained, run.reporter)
    return pack(run.recipe, run.folder, trained, variants, began)


def data_and_base(run: Run) -> tuple[Ingested, BaseResult]:
    """The two stages that ours and every method to compare with share; `run.learning` then holds what the base settled."""
    data = read_data(run)
    return data, _base(run, data)


def read_data(run: Run) -> Ingested:
    """The first stage: the table, read, judged, divided and encoded."""
    data, learning = run.recipe.data, run.learning
    files = {name: path for name in ("path", "valid_path", "test_path") if (path := getattr(data, name)) is not None}
    run.reporter.enter("validating", f"Reading {data.path.name}")
    settings = {
        "files": {name: [path.suffixes, file_digest(path)] for name, path in files.items() if path.is_file()},
        "data": data.model_dump(mode="json", exclude={"path", "valid_path", "test_path"}),
        "learning": learning.model_dump(mode="json", include={"encoding", "split", "seed"}),
    }
    key = run.key("data", settings)
    ingested: Ingested = run.folder.stage_folder(
        "data", key, lambda folder: _write_data(run.recipe, folder), lambda folder: load_ingested(folder / "encoded")
    )
    rows = {name: len(getattr(ingested.parts, name)) for name in ("train", "valid", "test")}
    check_numbers(learning, rows["train"])
    run.reporter.say(f"{rows['train']:,} training, {rows['valid']:,} validation and {rows['test']:,} test rows")
    return ingested


def threads(options: RunOptions) -> int:
    """Threads of TensorFlow's arithmetic; they decide the order of its sums, so a run resumes only with the same number."""
    return options.num_threads or os.cpu_count() or 1


def _write_data(recipe: Recipe, folder: Path) -> None:
    ingest(recipe.data, recipe.learning.encoding, recipe.learning.split, recipe.learning.seed, folder / "encoded")


def _base(run: Run, data: Ingested) -> BaseResult:
    learning = run.learning
    run.reporter.enter("searching", "Training the plain model", (0, 3))
    settings = learning.model_dump(mode="json", include={"backbone", "training"}) | {"threads": threads(run.recipe.run)}
    key = run.key("base", settings)
    base: BaseResult = run.folder.stage("base", key, lambda: train_base(data.parts, learning, run.reporter.epoch))
    run.settled = base.resolved(learning)
    return base


def _distil(run: Run, data: Ingested, base: BaseResult) -> tuple[Distilled | None, Splits]:
    learning = run.learning
    if not learning.distil.members:
        return None, data.parts
    run.reporter.enter("searching", "Training a teacher and its student", (1, 3))
    key, candidates = run.key("distil", learning.distil.model_dump(mode="json")), tuple(trial.model.weights for trial in base.trials)
    distilled: Distilled | None = run.folder.stage("distil", key, lambda: distil(data.parts, candidates, learning, run.reporter.epoch))
    if distilled is None:
        run.reporter.say("The teacher fits validation rows no better than the plain model: all learn from the clicks alone")
        return None, data.parts
    run.settled = student_config(learning)
    return distilled, distillation_splits(data.parts, distilled.labels, learning)


def _search(run: Run, parts: Splits, start: NetworkWeights) -> SearchResult:
    learning = run.learning
    run.reporter.enter("searching", "Searching gates", (2, 3))
    key = run.key("search", learning.search.model_dump(mode="json"))
    found: SearchResult = run.folder.stage("search", key, lambda: search_gates(parts, start, learning, run.reporter.epoch))
    diversity = found.diversity
    run.reporter.say(
        f"Gates found: {diversity.distinct_masks:,} different masks in {diversity.rows:,} rows, {diversity.kept_fraction:.0%} open"
    )
    return found


def _retrieve(run: Run, data: Ingested) -> RetrievalTowers | None:
    """Towers, where there are items and too many of them; they depend on the data alone."""
    settings, items = run.recipe.learning.retrieval, data.items
    if items is None or settings.when == "never" or (settings.when == "large" and len(items.names) <= MAX_ROWS):
        return None
    learning = run.recipe.learning
    run.reporter.say("Training retrieval")
    facts = [settings.model_dump(mode="json", exclude={"when"}), learning.training.embedding_dim, learning.seed, threads(run.recipe.run)]
    retrieving = Retrieving(data.encoder, items, data.parts.train, data.parts.valid, learning)
    key = stage_key("retrieve", run.keys[0], facts)
    found: RetrievalTowers = run.folder.stage("retrieve", key, lambda: learn_retrieval(retrieving, lambda *_: None))
    run.reporter.say(
        f"{found.hit_rate:.1%} of clicked validation rows have their item among the {found.judged_at} nearest of {len(items.names):,}"
    )
    return found


def _cluster(run: Run, parts: Splits, found: SearchResult) -> Grouping:
    clustering = Clustering(parts, found.weights, found.gates, run.learning)
    run.reporter.enter("clustering", "Grouping instances by their gates")
    most_groups = run.recipe.budget.groups or MAX_GROUPS
    key = run.key("cluster", run.learning.cluster.model_dump(mode="json") | {"most_groups": most_groups})
    grouping: Grouping = run.folder.stage("cluster", key, lambda: cluster_instances(clustering, most_groups))
    run.reporter.say(f"{grouping.num_groups} groups")
    return grouping


def _retrain(run: Run, parts: Splits, found: SearchResult, grouping: Grouping) -> RetrainResult:
    retraining = Retraining(parts, grouping, found.weights, run.learning, "grouped")
    run.reporter.enter("retraining", "Training the groups' models")
    key = run.key("retrain", run.learning.retrain.model_dump(mode="json"))
    result: RetrainResult = run.folder.stage("retrain", key, lambda: retrain_groups(retraining, run.reporter.epoch))
    return result
