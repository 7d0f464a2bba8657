"""Plan of a comparison of ways of keeping a model fresh."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ihas.config.base import Config, Count
from ihas.config.data import SchemaConfig
from ihas.config.learning import LearningConfig
from ihas.config.refresh import RefreshConfig
from ihas.config.run import RunOptions
from ihas_pipelines.studies.plan_file import beside, document_of


class RefreshPlan(Config):
    """What is compared."""

    movielens: str
    """Folder of MovieLens-100K, `$NAME` of the environment allowed."""
    columns: SchemaConfig
    """Columns of the joined table; `time` orders its rows."""
    unit_s: Count = 604_800
    """Seconds of a step."""
    first: Count = 16
    """Steps before the first model is trained."""
    every: dict[str, Count] = {"weekly": 1, "every four weeks": 4}
    """Names of refreshes, and steps between two."""
    scratch: dict[str, Count] = {"weekly from scratch": 1}
    """Names of trainings from scratch, and steps between two."""
    seeds: tuple[int, ...] = Field(default=(0, 1), min_length=1)
    """Seeds of learning."""
    learning: LearningConfig = LearningConfig()
    """Settings of every training; the plain model and, where stated, members."""
    settings: RefreshConfig = RefreshConfig()
    """How a refreshed model learns on."""
    run: RunOptions = RunOptions()
    """Options of the run."""


def read_plan(path: Path) -> RefreshPlan:
    """Read a plan, a TOML file; ConfigError names what is wrong with it."""
    with document_of(path, "plan of refreshes") as document:
        plan = RefreshPlan.model_validate(document)
        return plan.model_copy(update={"movielens": str(beside(path, plan.movielens))})
