"""A recipe of the kind `grouped`: the same class in TOML, in an HTTP body (it names an uploaded table instead of files) and in Python."""

from __future__ import annotations

from pydantic import Field

from ihas.config.base import Config
from ihas.config.budget import BudgetConfig
from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig
from ihas.config.run import RunOptions


class Recipe(Config):
    """One file that says what a run is: the data, what is learnt, how it is run."""

    name: str = Field(default="run", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the model that comes out."""
    data: DataConfig
    """Where the rows are."""
    learning: LearningConfig = LearningConfig()
    """What is learnt."""
    run: RunOptions = RunOptions()
    """How it is run."""
    budget: BudgetConfig = BudgetConfig()
    """What it must keep within."""
