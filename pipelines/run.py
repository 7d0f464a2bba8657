"""A recipe, carried out: data -> base -> search -> cluster -> retrain -> evaluate -> bundle.

This page is the order of the stages; what each does is in `ihas`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ihas.cluster.division import Clustering, check_numbers
from ihas.cluster.stage import cluster_instances
from ihas.config import LearningConfig, Recipe, RunOptions
from ihas.data.ingest import ingest
from ihas.data.storage import Ingested, load_ingested
from ihas.grouping import Grouping
from ihas.models.registry import check_searchable
from ihas.results import RunResult
from ihas.retrain.stage import Retraining, RetrainResult, retrain_groups
from ihas.search.base import BaseModel, train_base
from ihas.search.stage import SearchResult, search_gates
from pipelines.controls import train_controls
from pipelines.folder import RunFolder, file_digest, stage_key
from pipelines.packing import pack
from pipelines.progress import Report
from pipelines.reporter import Reporter
from pipelines.trained import Trained


@dataclass
class Run:
    """One recipe on one run folder."""

    recipe: Recipe
    folder: RunFolder
    reporter: Reporter
    keys: list[str] = field(default_factory=list)

    @property
    def learning(self) -> LearningConfig:
        """What is learnt."""
        return self.recipe.learning

    def key(self, name: str, settings: Any) -> str:
        """Key of the next stage, after all stages before it."""
        self.keys.append(stage_key(name, self.keys[-1] if self.keys else "", settings))
        return self.keys[-1]


def run_recipe(recipe: Recipe, path: Path, report: Report) -> RunResult:
    """Carry out a recipe on a run folder; complete stages of an earlier try are read, not computed again.

    Raises:
        ConfigError, DataError, TrainingError: as the stages say.
    """
    folder = RunFolder(path)
    check_searchable(recipe.learning.backbone)
    with folder.locked():
        run = Run(recipe, folder, Reporter(report))
        data = _ingest(run)
        base, found = _search(run, data)
        grouping = _cluster(run, data, found)
        retrained = _retrain(run, data, found, grouping)
        trained = Trained(data, base, found, grouping, retrained)
        run.reporter.enter("evaluating", "Comparing with the controls")
        variants = train_controls(run.folder, run.keys[-1], trained, run.learning, run.reporter)
        result = pack(run.recipe, run.folder, trained, variants)
    run.reporter.finish(result.verdict)
    return result


def _ingest(run: Run) -> Ingested:
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


def _search(run: Run, data: Ingested) -> tuple[BaseModel, SearchResult]:
    learning, listen = run.learning, run.reporter.epoch
    run.reporter.enter("searching", "Training the plain model", (0, 2))
    settings = learning.model_dump(mode="json", include={"backbone", "training"}) | {"threads": threads(run.recipe.run)}
    key = run.key("base", settings)
    base: BaseModel = run.folder.stage("base", key, lambda: train_base(data.parts, learning, listen))
    run.reporter.enter("searching", "Searching gates", (1, 2))
    key = run.key("search", learning.search.model_dump(mode="json"))
    found: SearchResult = run.folder.stage("search", key, lambda: search_gates(data.parts, base, learning, listen))
    diversity = found.diversity
    run.reporter.say(
        f"Gates found: {diversity.distinct_masks:,} different masks in {diversity.rows:,} rows, {diversity.kept_fraction:.0%} open"
    )
    return base, found


def _cluster(run: Run, data: Ingested, found: SearchResult) -> Grouping:
    clustering = Clustering(data.parts, found.weights, found.gates, run.learning)
    run.reporter.enter("clustering", "Grouping instances by their gates")
    key = run.key("cluster", run.learning.cluster.model_dump(mode="json"))
    grouping: Grouping = run.folder.stage("cluster", key, lambda: cluster_instances(clustering))
    run.reporter.say(f"{grouping.num_groups} groups")
    return grouping


def _retrain(run: Run, data: Ingested, found: SearchResult, grouping: Grouping) -> RetrainResult:
    retraining = Retraining(data.parts, grouping, found.weights, run.learning, "grouped")
    run.reporter.enter("retraining", "Training the groups' models")
    key = run.key("retrain", run.learning.retrain.model_dump(mode="json"))
    result: RetrainResult = run.folder.stage("retrain", key, lambda: retrain_groups(retraining, run.reporter.epoch))
    return result
