"""A cell of a benchmark: one method on one data set with one backbone under one seed.

    run    a recipe, carried out on FOLDER/<data>/<backbone>/seed-N/<variant>
    peer   a baseline method, trained on the same encoded rows with the settings that the base chose, as a stage of the default run's folder

A baseline method is trained with its whole grid under the first seed of the plan and validation chooses; under later seeds it is trained
with that choice. So all baseline methods have the same budget, and tuning uses the validation rows of one seed only. Every variant's run
trains the base again, which costs time and changes nothing: the base is the same to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.data.dataset import Splits
from ihas.errors import ConfigError
from ihas.metrics import click_metrics
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.answers import Answers, Setting
from ihas_pipelines.runs.folder import RunFolder, stage_key
from ihas_pipelines.runs.measures import Measure, measures
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.run import run_recipe, run_until
from ihas_pipelines.runs.stages import Run, run_reporter
from ihas_pipelines.studies.baselines.baseline import BaselineMethod, tuned
from ihas_pipelines.studies.baselines.registry import BASELINES
from ihas_pipelines.studies.benchmark.plan import DEFAULT, Plan


@dataclass(frozen=True)
class Cell:
    """One method on one data set with one backbone under one seed; `name` is a variant of the plan or a baseline method."""

    data: str
    backbone: str
    seed: int
    name: str
    kind: Literal["run", "peer"]

    def __str__(self) -> str:
        return f"{self.data}, {self.backbone}, seed {self.seed}, {self.name}"

    @property
    def run_folder(self) -> Path:
        """Folder of the run, or of the run that the baseline method is kept in, within the benchmark's folder."""
        return Path(self.data) / self.backbone / f"seed-{self.seed}" / (self.name if self.kind == "run" else DEFAULT)


@dataclass(frozen=True)
class Outcome:
    """What a cell gave.

    Attributes:
        measures: every way of serving that it measured, by name: a run's variants, or the baseline method alone.
        controls: names of those that are there to compare with.
        setting: what a baseline method was trained under.
    """

    measures: Mapping[str, Measure]
    controls: tuple[str, ...] = ()
    setting: Setting | None = None


def cells_of(plan: Plan) -> tuple[Cell, ...]:
    """Every cell, seed by seed, so that a benchmark that is stopped knows something of everything; the default run before what needs it."""
    methods: list[tuple[str, Literal["run", "peer"]]] = [(name, "run") for name in (DEFAULT, *plan.variants)]
    methods += [(name, "peer") for name in plan.peers]
    return tuple(
        Cell(recipe.name, backbone, seed, name, kind)
        for seed in plan.seeds
        for recipe in plan.recipes
        for backbone in plan.backbones
        for name, kind in methods
    )


def run_cell(cell: Cell, plan: Plan, folder: Path, report: Report) -> Outcome:
    """Carry out a variant's run.

    Raises:
        ConfigError, DataError, TrainingError: as the stages say.
    """
    result = run_recipe(plan.recipe(cell.data, cell.backbone, cell.name, cell.seed), folder / cell.run_folder, report)
    return Outcome(measures(result), tuple(variant.name for variant in result.variants if variant.role == "control"))


@dataclass(frozen=True)
class StagedMethod:
    """A baseline method whose trainings are stages of a run folder, so that none is carried out twice."""

    method: BaselineMethod
    folder: RunFolder
    key: str
    reporter: Reporter

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.method.name

    @property
    def source(self) -> str:
        """Paper, or `our choice`."""
        return self.method.source

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is tuned."""
        return self.method.settings

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Read what an earlier try left, or train."""
        number = self.settings.index(setting)
        self.reporter.enter("evaluate", f"Training {self.name}, setting {number + 1} of {len(self.settings)}", (number, len(self.settings)))
        epochs = {"search": config.search.epochs, "retrain": config.retrain.epochs}
        key = stage_key(self.stage(setting), self.key, {"setting": dict(setting), "epochs": epochs})
        answers: Answers = self.folder.stage(self.stage(setting), key, lambda: self.method.train(parts, config, setting, listen))
        return answers

    def stage(self, setting: Setting) -> str:
        """Name of the stage of one setting."""
        return f"peer-{self.name}-{self.settings.index(setting) + 1}"


def baseline_cell(cell: Cell, plan: Plan, folder: Path, setting: Setting | None, report: Report) -> Outcome:
    """Train a baseline method under a setting, or without one under all of its settings, and measure what ranks validation rows best.

    Raises:
        ConfigError: later seeds lack what the first one chose.
        DataError, TrainingError: as the stages say.
    """
    if setting is None and cell.seed != plan.seeds[0]:
        raise ConfigError(f"`{cell.name}` must be tuned under seed {plan.seeds[0]}, but that failed. See its message.")
    recipe: Recipe = plan.recipe(cell.data, cell.backbone, DEFAULT, cell.seed)
    run_folder = RunFolder(folder / cell.run_folder)
    with run_folder.locked():
        run = Run(recipe, run_folder, run_reporter(report))
        run_until(run, "base")
        data = run.data
        method, listen = StagedMethod(BASELINES[cell.name], run_folder, run.keys[-1], run.reporter), run.reporter.epoch
        if setting is None:
            answers = tuned(method, data.parts, run.learning, listen)
        else:
            answers = method.train(data.parts, run.learning, setting, listen)
    seconds = run_folder.seconds[method.stage(answers.setting)]
    measure = Measure(click_metrics(answers.test_logits, data.parts.test.labels), answers.cost, seconds)
    return Outcome({cell.name: measure}, setting=answers.setting)
