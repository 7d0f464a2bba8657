"""A recipe of the kind `grouped`: the same class in TOML, in an HTTP body (it names an uploaded table instead of files) and in Python."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ihas.config.base import Config, invalid
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

    @model_validator(mode="after")
    def _tasks_are_carried(self) -> Self:
        if self.data.columns.tasks and (told := one_label_alone(self.learning, self.budget)):
            raise invalid(told)
        return self


def one_label_alone(learning: LearningConfig, budget: BudgetConfig) -> str | None:
    """Which settings know one label alone, where there are `columns.tasks`; None where all carry several."""
    if (kind := learning.backbone.kind) != "mlp":
        return f"Several labels, `columns.tasks`, are learnt by the backbone 'mlp' alone, but `backbone.kind` is {kind!r}."
    if limits := [name for name in ("multiply_adds", "parameters") if getattr(budget, name) is not None]:
        return f"`budget.{limits[0]}` limits models of one label. Under `columns.tasks`, limit `candidates_p99_ms` or `p99_ms`."
    if learning.evaluate.controls:
        return "`evaluate.controls` compares groups of rows, which `columns.tasks` leave out. Remove one of them."
    return None
