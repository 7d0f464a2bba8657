"""A recipe of the kind `grouped`: the same class in TOML, in an HTTP body (it names an uploaded table instead of files) and in Python."""

from __future__ import annotations

from pydantic import Field

from ihas.config.base import Config
from ihas.config.budget import BudgetConfig
from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig
from ihas.config.run import RunOptions


class Recipe(Config):
    """Recipe of a run: the data, what is learnt, and how it is run."""

    name: str = Field(default="run", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the model."""
    data: DataConfig
    """Where the data is."""
    learning: LearningConfig = LearningConfig()
    """Settings that decide what is learnt."""
    run: RunOptions = RunOptions()
    """Settings of the machine."""
    budget: BudgetConfig = BudgetConfig()
    """Limits that the run must keep."""
