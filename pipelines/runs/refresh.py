"""A finished run carried on with newer rows: its chosen model learns on from its own weights, without a search."""

from __future__ import annotations

from pathlib import Path

from ihas.errors import ConfigError
from ihas.folders import write_whole
from ihas.results.run_result import RunResult
from ihas_pipelines.runs.folder import RunFolder, read_kept
from ihas_pipelines.runs.predecessor import read_predecessor
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_pipelines.runs.refresh_stages import SHARES, SHOWN_AS, Refresh, make_sides, read_newer, refreshed_recipe
from ihas_pipelines.runs.refreshed import assemble_refresh
from ihas_pipelines.runs.reporter import Reporter


def refresh_run(asked: RefreshRequest, folder: Path, report: Report) -> RunResult:
    """Carry out a refresh; finished stages of an earlier attempt are read, not computed again.

    Raises:
        ConfigError: the run cannot be refreshed, or into that folder.
        DataError: the newer table does not fit, or cannot be learnt from.
        TrainingError: the loss became infinite or not a number.
        BudgetError: the model has outgrown the budget of the recipe.
    """
    _check_target(folder, asked.source)
    earlier = read_predecessor(asked.source, asked.point)
    run = Refresh(asked, earlier, refreshed_recipe(earlier.recipe, asked.data), RunFolder(folder), Reporter(report, SHARES, SHOWN_AS))
    with run.folder.locked():
        write_whole(folder / "recipe.json", run.recipe.model_dump_json(indent=2))
        read_newer(run)
        sides = make_sides(run)
        result = assemble_refresh(run, sides)
    run.reporter.finish(result.verdict)
    return result


def _check_target(folder: Path, source: Path) -> None:
    """Refuse a folder whose run would be written over."""
    if folder.resolve() == source.resolve():
        raise ConfigError(f"A refresh needs a run folder of its own, but {folder} is the one to refresh. Name another one.")
    if (folder / "result.json").is_file() and read_kept(folder / "result.json", RunResult).refresh is None:
        raise ConfigError(f"A refresh needs a run folder of its own, but {folder} holds a search. Name another one.")
