"""What is raced: update rules x (plain, scalar, vector, matrix), each with its own learning rate, on one task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Count, Fraction
from ihas.config.run import RunOptions
from ihas.config.training import TrainingConfig
from ihas.layers.overparameterisation import Form
from ihas.optim.optimizer import Rule
from ihas_pipelines.studies.plan_file import beside, document_of

Rate = Annotated[float, Field(gt=0.0)]


class RatingsTask(Config):
    """Matrix factorisation of ratings; the value is minus the validation RMSE."""

    path: Path
    """Text file whose rows begin with user, item and rating, white space between them; gzip by its suffix."""
    valid_fraction: Fraction = 0.1
    """Share of the ratings that say how good a model is; the seed draws them."""


class ClicksTask(Config):
    """A backbone on clicks; the value is the validation AUC."""

    recipe: Path
    """Recipe that names the table, the backbone and its training settings."""
    train_rows: Count
    """Training rows that are used, drawn once."""
    valid_rows: Count
    """Validation rows that are used, drawn once."""


class RacePlan(Config):
    """One study."""

    name: str
    """Name of the study."""
    ratings: RatingsTask | None = None
    """The task, if it is ratings."""
    clicks: ClicksTask | None = None
    """The task, if it is clicks."""
    training: dict[str, Any] = {}
    """Settings of `TrainingConfig` for every run; on clicks they win over the recipe's."""
    learning_rates: Annotated[dict[Rule, Rate], Field(min_length=1)]
    """Where the grid of each update rule starts: its points are this times powers of two, the same for all forms."""
    forms: Annotated[tuple[Form, ...], Field(min_length=1)] = ("scalar", "vector", "matrix")
    """Overparameterised forms that race against the plain one."""
    target: float
    """Value that a run must reach: AUC, or minus RMSE."""
    epochs: Count = 25
    """Passes over the training rows of each run."""
    checks: Count = 4
    """Times in an epoch that the value is taken."""
    seeds: Annotated[tuple[int, ...], Field(min_length=2)] = (0, 1, 2, 3, 4)
    """Seeds that are raced."""
    tuning_seed: int = 100
    """Seed that learning rates are tuned on."""
    run: RunOptions = RunOptions()
    """How it is run."""

    @model_validator(mode="after")
    def _has_one_task(self) -> Self:
        if (self.ratings is None) == (self.clicks is None):
            raise ValueError("A plan must have exactly one of the tables `ratings` and `clicks`. Remove or add one.")
        if self.tuning_seed in self.seeds:
            raise ValueError(f"Learning rates must be tuned on a seed that is not raced, but got {self.tuning_seed} in {self.seeds}.")
        TrainingConfig.model_validate(self.training)
        return self


def read_race_plan(path: Path) -> RacePlan:
    """Read a plan from TOML; relative paths start at its folder, `$NAME` in them is the environment's.

    Raises:
        ConfigError: no such file, not TOML, or a setting is invalid.
    """
    with document_of(path, "plan") as document:
        for table, name in (("ratings", "path"), ("clicks", "recipe")):
            if table in document and name in document[table]:
                document[table][name] = beside(path, document[table][name])
        return RacePlan.model_validate({"name": path.stem, **document})
