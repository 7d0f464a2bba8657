"""A recipe of the kind `size-sweep`, carried out: sizes trained, the law of their losses fitted, a size advised."""

from __future__ import annotations

from pathlib import Path

from ihas.config.size_sweep import SizeSweepRecipe
from ihas.data.places import files_of
from ihas.errors import DataError
from ihas.folders import write_whole
from ihas_pipelines.kinds.size_sweep.values import SizeSweepResult
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.threads import limit_threads

SHARES = {"reading": 0.01, "search": 0.98, "evaluate": 0.01}


def run_size_sweep(recipe: SizeSweepRecipe, folder: Path, report: Report) -> SizeSweepResult:
    """Carry out a recipe in a process of its own; sizes that the folder holds are not trained again.

    Raises:
        ConfigError, DataError, TrainingError: as reading, training and advice say.
    """
    for path in files_of(recipe.data.paths, recipe.data.format):
        if not path.is_file():
            raise DataError(f"`data.path` and `data.appended` must be files, but there is none at {path}. Name another one.")
    limit_threads(recipe.run)
    return carry_out(recipe, folder, report)


def carry_out(recipe: SizeSweepRecipe, folder: Path, report: Report) -> SizeSweepResult:
    """The same in this process.

    `ladder.json` in the folder is renewed after every size; `ladder.md`, `report.html` and `result.json` are written at the end, and with a
    budget `advice.json` and `advice.html`.

    Raises:
        ConfigError, DataError, TrainingError: as reading, training and advice say.
    """
    from ihas_pipelines.kinds.size_sweep.advisor import write_advice
    from ihas_pipelines.kinds.size_sweep.laws import measured
    from ihas_pipelines.kinds.size_sweep.page import markdown, sentence, write_page
    from ihas_pipelines.kinds.size_sweep.sweep import train_sizes

    reporter = Reporter(report, SHARES)
    folder.mkdir(parents=True, exist_ok=True)
    reporter.enter("reading", f"Reading {recipe.data.path.name}")
    sweep = train_sizes(recipe, folder, lambda done, message: reporter.enter("search", message, done))
    sizes = measured(sweep.rungs)
    advice = None if recipe.seconds is None else write_advice(sizes, recipe.seconds, folder)
    verdict = f"{sentence(sizes)} Next: `ihas advise` says which size is worth a time budget." if advice is None else advice.reason
    result = SizeSweepResult(name=recipe.name, verdict=verdict, sizes=sizes, advice=advice)
    write_whole(folder / "ladder.md", markdown(sweep))
    write_page(result, folder / "report.html")
    write_whole(folder / "result.json", result.model_dump_json(indent=1))
    reporter.finish(verdict)
    return result
