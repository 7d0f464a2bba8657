"""A recipe of the kind `grouped`, carried out: `ihas_pipelines.runs.stages.STAGES` in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ihas.config.recipe import Recipe
from ihas.results.run_result import RunResult
from ihas.training.parallel import on_machines
from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.stages import STAGES, Run, Stage, run_reporter


def run_recipe(recipe: Recipe, path: Path, report: Report) -> RunResult:
    """Carry out a recipe on a run folder; finished stages of an earlier attempt are read, not computed again.

    Raises:
        ConfigError, DataError, TrainingError, BudgetError: as the stages say.
    """
    run = Run(recipe, RunFolder(path), run_reporter(report))
    with run.folder.locked():
        carry_out(run)
    run.reporter.finish(run.result.verdict)
    return run.result


def carry_out(run: Run, stages: Sequence[Stage] = STAGES) -> None:
    """Carry out stages, one after the other, each where the run needs it; after the rows are read, on as many machines as it wants."""
    for stage in stages:
        if stage.wanted(run):
            run.reporter.enter(stage.name, stage.label.format(file=run.recipe.data.path.name))
            with on_machines(1 if stage.name == "reading" else run.recipe.run.machines):
                stage.run(run)


def run_until(run: Run, last: str) -> None:
    """Carry out the stages up to and including the named one; `data` and `base` are shared with every baseline method."""
    names = [stage.name for stage in STAGES]
    carry_out(run, STAGES[: names.index(last) + 1])
