"""A recipe of the kind `grouped`, carried out or estimated in a process of its own."""

from __future__ import annotations

from pathlib import Path

from ihas.config.recipe import Recipe
from ihas.results.estimate import Estimate
from ihas.results.run_result import RunResult
from ihas_pipelines.runs.child import ChildReport, wall_time_limit
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_pipelines.runs.threads import limit_threads


def run_grouped(recipe: Recipe, folder: Path, report: Report) -> RunResult:
    """Carry out a recipe; the process ends where it takes longer than `budget.wall_s`.

    Raises:
        ConfigError, DataError, TrainingError, BudgetError: as the stages say.
    """
    limit_threads(recipe.run)
    from ihas_pipelines.runs.run import run_recipe

    child = ChildReport(report)
    with wall_time_limit(recipe.budget.wall_s, child):
        return run_recipe(recipe, folder, child)


def estimate_grouped(recipe: Recipe, folder: Path, report: Report) -> Estimate:
    """Estimate what carrying out a recipe would take.

    Raises:
        ConfigError, DataError, TrainingError: as the stages say.
    """
    limit_threads(recipe.run)
    from ihas_pipelines.runs.estimate import estimate

    return estimate(recipe, folder, report)


def refresh_grouped(asked: RefreshRequest, folder: Path, report: Report) -> RunResult:
    """Carry a finished run on with newer rows; the process ends where it takes longer than the recipe's `budget.wall_s`.

    Raises:
        ConfigError, DataError, TrainingError, BudgetError: as `refresh_run` says.
    """
    from ihas_pipelines.runs.predecessor import recipe_of_run

    recipe = recipe_of_run(asked.source)
    limit_threads(recipe.run)
    from ihas_pipelines.runs.refresh import refresh_run

    child = ChildReport(report)
    with wall_time_limit(recipe.budget.wall_s, child):
        return refresh_run(asked, folder, child)
