"""A ladder carried out: trained, or gone on with, its law fitted, its largest size foretold, a size advised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ihas.config.size_sweep import SizeSweepRecipe
from ihas.folders import write_whole
from ihas.sequential.scaling.advised import Advice
from pipelines.runs.progress import Progress, Report
from pipelines.studies.scaling.advisor import write_advice
from pipelines.studies.scaling.ladder import climb
from pipelines.studies.scaling.laws import measured
from pipelines.studies.scaling.page import figure, markdown


def carry_out(recipe: SizeSweepRecipe, folder: Path, say: Callable[[str], None]) -> Advice | None:
    """Write `ladder.json`, renewed after every rung, `ladder.md` and `ladder.html`, and with a budget `advice.json` and `advice.html`.

    Raises:
        ConfigError, DataError, TrainingError: as reading, training and advice say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ladder = climb(recipe, folder, say)
    write_whole(folder / "ladder.md", markdown(ladder))
    figure(measured(ladder.rungs)).write_html(folder / "ladder.html", include_plotlyjs=True)
    return None if recipe.seconds is None else write_advice(measured(ladder.rungs), recipe.seconds, folder)


def advise_size(recipe: SizeSweepRecipe, folder: Path, report: Report) -> Advice | None:
    """The same, with progress as a run reports it."""
    learning, rungs = recipe.learning, 0
    every = len(learning.sizes) * len(learning.seeds) * (len(learning.fractions) + 1)

    def say(message: str) -> None:
        nonlocal rungs
        rungs += 1
        report(Progress(stage="searching", message=message, fraction=round(0.99 * rungs / every, 4)))

    report(Progress(stage="validating", message=f"Reading {recipe.data.path.name}", fraction=0.0))
    found = carry_out(recipe, folder, say)
    told = "The ladder is trained." if found is None else found.reason
    report(Progress(stage="evaluating", message=told, fraction=1.0, eta_s=0.0, outcome="succeeded"))
    return found
