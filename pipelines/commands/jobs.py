"""`run`, `refresh`, `estimate`, `inspect`: the child processes that the worker and the command line start.

The last line on standard output says how it ended, and why where it failed.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ihas.config.data import DataConfig
from ihas.errors import ConfigError, DataError, is_memory_full
from ihas.folders import all_held_still, files_digest
from ihas_pipelines.commands.limits import limit
from ihas_pipelines.commands.shell import RecipeOption, answering
from ihas_pipelines.kinds.grouped.run import refresh_grouped
from ihas_pipelines.kinds.model_kind import AnyRecipe, ModelKind
from ihas_pipelines.kinds.recipe_file import read_any_recipe
from ihas_pipelines.kinds.registry import kind_of_recipe, kinds
from ihas_pipelines.runs.child import ChildReport, error_document
from ihas_pipelines.runs.refresh_request import RefreshRequest

DigestOption = Annotated[str | None, typer.Option("--data-sha256", help="Digest that the data's file must have.")]


def run(
    recipe: RecipeOption,
    folder: Annotated[Path, typer.Option(help="Run folder; finished stages in it are kept.")],
    data_sha256: DigestOption = None,
) -> None:
    """Carry out a recipe of any kind on a run folder."""
    report = ChildReport()
    try:
        asked, kind = _read(recipe, data_sha256)
        if kind.run is None:
            raise ConfigError(f"A run cannot make the kind {kind.name!r}. Use `{kind.made_by}`.")
        kind.run(asked, folder, report)
    except Exception as error:
        raise typer.Exit(report.fail(error)) from error


def estimate(
    recipe: RecipeOption,
    folder: Annotated[Path, typer.Option(help="Folder that takes the estimate.")],
    data_sha256: DigestOption = None,
) -> None:
    """Estimate the time, memory and gain of a run from small ones."""
    report = ChildReport()
    try:
        asked, kind = _read(recipe, data_sha256)
        if kind.estimate is None:
            known = ", ".join(repr(one.name) for one in kinds() if one.estimate is not None)
            raise ConfigError(f"Recipes of the kinds {known} can be estimated, but this one is of the kind {kind.name!r}.")
        kind.estimate(asked, folder, report)
    except Exception as error:
        raise typer.Exit(report.fail(error)) from error


def refresh(
    request: Annotated[Path, typer.Option(help="JSON file with a RefreshRequest.")],
    folder: Annotated[Path, typer.Option(help="Run folder to write; finished stages in it are kept.")],
    data_sha256: DigestOption = None,
) -> None:
    """Carry a finished run of the kind grouped on with newer rows, without a search."""
    report = ChildReport()
    try:
        asked = RefreshRequest.model_validate_json(request.read_bytes())
        _check_digest(asked.data, data_sha256)
        refresh_grouped(asked, folder, report)
    except Exception as error:
        raise typer.Exit(report.fail(error)) from error


def inspect(
    data: Annotated[Path, typer.Option(help="JSON file with a DataConfig.")],
    max_expanded_bytes: Annotated[int | None, typer.Option(help="Maximum bytes that a compressed file may unpack to.")] = None,
    max_memory_bytes: Annotated[int | None, typer.Option(help="Maximum memory of this process in bytes.")] = None,
    max_cpu_s: Annotated[int | None, typer.Option(help="Maximum processor time of this process in seconds.")] = None,
    before: Annotated[Path | None, typer.Option(help="JSON file with a Before: what the last appended file is compared with.")] = None,
    rows_only: Annotated[bool, typer.Option("--rows-only", help="The rows need no label.")] = False,
    max_links: Annotated[int | None, typer.Option(max=0, help="0: refuse a file that a link leads to.")] = None,
) -> None:
    """Profile a table and list its faults."""
    limit(max_memory_bytes, max_cpu_s)
    with answering(_refusal) as answer:
        config = DataConfig.model_validate_json(data.read_bytes())
        with all_held_still(config.paths) if max_links is not None else nullcontext():
            files = _files(config)
            _check_files(config, files, max_expanded_bytes)
            answer["sha256"] = files_digest(files)
            _inspect(config, before, rows_only, answer)


def _read(path: Path, digest: str | None) -> tuple[AnyRecipe, ModelKind]:
    recipe = read_any_recipe(path)
    _check_digest(recipe.data, digest)
    return recipe, kind_of_recipe(recipe)


def _check_digest(data: DataConfig, digest: str | None) -> None:
    if digest is None:
        return
    with all_held_still(data.paths):
        found = files_digest(data.paths)
    if found != digest:
        way = "Bring that one back, or make a data set of the file as it is now."
        raise DataError(f"{data.path.name} must be the file that was checked, of SHA-256 {digest}, but has {found}. {way}")


def _files(data: DataConfig) -> tuple[Path, ...]:
    """Every file of the table, those of folders and patterns too."""
    from ihas.data.places import files_of

    return files_of(data.paths, data.format)


def _check_files(data: DataConfig, files: Sequence[Path], max_expanded_bytes: int | None) -> None:
    from ihas.data.appending import own_options
    from ihas.data.readers import check_decoded
    from ihas.data.reading import options_of
    from ihas.data.sources import check_expansion, check_readable

    for number, path in enumerate(files):
        check_readable(path)
        if max_expanded_bytes is not None:
            check_expansion(path, max_expanded_bytes)
            if data.format != "sequences":
                check_decoded(path, own_options(path, options_of(data)) if number else options_of(data), max_expanded_bytes)


def _inspect(data: DataConfig, before: Path | None, rows_only: bool, answer: dict[str, object]) -> None:
    from ihas.data.findings import raise_errors
    from ihas.data.growth import Before
    from ihas.data.ingest import inspect as inspect_table
    from ihas.data.unlabelled import inspect_rows
    from ihas.sequential.data.reading import inspect_sequences

    earlier = None if before is None else Before.model_validate_json(before.read_bytes())
    labelled = inspect_sequences if data.holds_sequences else inspect_table
    report = inspect_rows(data) if rows_only else labelled(data, earlier)
    answer["report"] = report.model_dump(mode="json")
    raise_errors("The table has errors", report.findings, report.omitted)


def _refusal(error: Exception) -> dict[str, object]:
    if is_memory_full(error):
        detail = "The table needs more memory than a check may use. Send fewer rows or columns, or raise IHAS_CHECK_MEMORY_BYTES."
        return {"code": "data", "detail": detail, "findings": []}
    if isinstance(error, RecursionError):
        return {"code": "data", "detail": "The table nests values too deeply to be read. Write their parts as columns.", "findings": []}
    if type(error).__module__.startswith("pyarrow"):  # what none of the readers knew of: the same file would meet it again
        traceback.print_exception(error)
        detail = f"The table cannot be read ({type(error).__name__}). Write it anew, as CSV if nothing else helps."
        return {"code": "data", "detail": detail, "findings": []}
    return error_document(error)  # also of a bug: said once, not tried again
