"""The two tasks that embeddings are raced on: ratings by matrix factorisation, clicks by a backbone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Protocol

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Splits
from ihas.data.ingest import ingest
from ihas.data.layout import FieldLayout
from ihas.errors import DataError
from ihas.metrics import auc
from ihas.models.network import Network, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.optim.update_rules import table_optimizer
from ihas.seeding import generator
from ihas.training.factorisation import FactorisationTrainer, Ratings
from ihas.training.trainer import Trainer
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_pipelines.studies.overparameterisation.plan import ClicksTask, RacePlan, RatingsTask


class Runner(Protocol):
    """One training, stopped and resumed at will."""

    num_rows: int
    """Training rows."""

    def run(self, chosen: np.ndarray) -> None:
        """Learn from the chosen training rows, int (n,), once."""

    def value(self) -> float:
        """How good the model is on validation rows; more is better."""


class Task(Protocol):
    """Data, and what is trained on them."""

    training: TrainingConfig
    """Settings that every run starts from."""

    def start(self, training: TrainingConfig, seed: int) -> Runner:
        """A fresh model."""


def read_ratings(path: Path) -> Ratings:
    """Ratings from a text file whose rows begin with user, item and rating.

    Raises:
        DataError: a row is not numbers, or there is no such file.
    """
    try:
        rows = np.loadtxt(path, usecols=(0, 1, 2), ndmin=2)
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} must hold user, item and rating as numbers in each row: {error}") from error
    (users, user), (items, item) = (np.unique(column, return_inverse=True) for column in rows[:, :2].T)
    layout = FieldLayout(("user", "item"), (len(users), len(items)), (1, 1))
    return Ratings(layout, np.stack([user, item + len(users)], axis=1).astype(np.int32), rows[:, 2].astype(np.float32))


class FactorisationRunner:
    """A matrix factorisation in training."""

    def __init__(self, train: Ratings, valid: Ratings, training: TrainingConfig, rng: np.random.Generator) -> None:
        self.trainer, self.valid, self.num_rows = FactorisationTrainer(train, training, rng), valid, len(train.values)

    def run(self, chosen: np.ndarray) -> None:
        """Learn from the chosen ratings."""
        self.trainer.run(chosen)

    def value(self) -> float:
        """Minus the root mean squared error."""
        return -self.trainer.folded().root_mean_squared_error(self.valid)


class Factorising:
    """Matrix factorisation."""

    def __init__(self, task: RatingsTask, training: TrainingConfig) -> None:
        self.task, self.training, self.ratings = task, training, read_ratings(task.path)

    def start(self, training: TrainingConfig, seed: int) -> FactorisationRunner:
        """A fresh factorisation on the seed's split."""
        order = generator(seed, "split").permutation(len(self.ratings.values))
        valid, train = np.split(order, [round(len(order) * self.task.valid_fraction)])
        return FactorisationRunner(self.ratings.take(train), self.ratings.take(valid), training, generator(seed, "factorisation"))


class ClicksRunner:
    """A backbone in training; compiled once and started again and again."""

    def __init__(self, parts: Splits, learning: LearningConfig) -> None:
        self.train, self.valid, self.num_rows = parts.train, GroupedRows.one_group(parts.valid), len(parts.train)
        self.network = Network(parts.train.layout, learning.backbone, learning.training.embedding_dim)
        self.trainer, self.rate = Trainer(self.network, learning.training, np.random.default_rng()), 0.0
        self.untouched = [variable.numpy() for variable in self.trainer.optimizer.variables]
        self.training = learning.training

    def start(self, learning: LearningConfig) -> None:
        """Fresh weights and optimiser, drawn by the seed."""
        self.rate, self.trainer.rng = learning.training.rate, generator(learning.seed, "race")
        for variable, value in zip(self.trainer.optimizer.variables, self.untouched, strict=True):
            variable.assign(value)
        self.network.assign(fresh_weights(self.train.layout, learning, self.trainer.rng))
        self.trainer.table = table_optimizer(self.network, self.training)

    def run(self, chosen: np.ndarray) -> None:
        """Learn from the chosen rows."""
        self.trainer.run_epoch(GroupedRows.one_group(self.train.take(chosen)), self.rate)

    def value(self) -> float:
        """Validation AUC; 0 where scores are no numbers."""
        logits = predict(self.network, self.valid)
        return (auc(logits, self.valid.rows.labels) or 0.5) if np.isfinite(logits).all() else 0.0


class Clicking:
    """A backbone on a sample of a recipe's rows."""

    def __init__(self, task: ClicksTask, changes: dict[str, object]) -> None:
        recipe = read_recipe(task.recipe)
        self.learning = recipe.learning
        self.training = TrainingConfig.model_validate({**dict(self.learning.training), **changes})
        with tempfile.TemporaryDirectory() as folder:
            parts = ingest(recipe.data, self.learning.encoding, self.learning.split, self.learning.seed, Path(folder) / "encoded").parts
            rng = generator(self.learning.seed, "sample")
            sizes = ((parts.train, task.train_rows), (parts.valid, task.valid_rows))
            train, valid = (part.take(np.sort(rng.permutation(len(part))[:size])) for part, size in sizes)
        self.parts = Splits(train, valid, valid)
        self.runners: dict[tuple[str, str], ClicksRunner] = {}

    def start(self, training: TrainingConfig, seed: int) -> ClicksRunner:
        """A fresh backbone; the seed draws its weights and the order of the rows. It ends what the same rule and form trained before."""
        learning = self.learning.model_copy(update={"training": training, "seed": seed})
        kind = (training.optimizer, training.overparameterisation)
        runner = self.runners[kind] = self.runners.get(kind) or ClicksRunner(self.parts, learning)
        runner.start(learning)
        return runner


def task_of(plan: RacePlan) -> Task:
    """The plan's task, with its data."""
    if plan.ratings is not None:
        return Factorising(plan.ratings, TrainingConfig.model_validate(plan.training))
    if plan.clicks is not None:
        return Clicking(plan.clicks, plan.training)
    raise DataError("A plan must have a task.")
