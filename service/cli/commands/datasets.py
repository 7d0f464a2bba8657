"""`ihas dataset`: data sets of a service."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ihas.data.findings import ValidationReport
from ihas_pipelines.kinds.recipe_file import read_document
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli import tables
from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.commands.reading import Delimiter, Escape, FileEncoding, Names, NoQuoting, reading_of
from ihas_service.cli.local_run import failure
from ihas_service.cli.terminal import Terminal

DatasetId = Annotated[str, typer.Argument(help="Id of the data set.")]
VersionOption = Annotated[int | None, typer.Option(min=1, help="A version of the data set.")]
dataset = typer.Typer(name="dataset", help="Data sets of a service.", no_args_is_help=True)


@dataset.command()
def push(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URI", help="CSV, Parquet or JSON-lines file; the service fetches a URI.")],
    name: Annotated[str | None, typer.Option(help="Display name; the file's name by default.")] = None,
    columns: Annotated[Path | None, typer.Option(help="Known facts about the columns: a TOML or JSON file.")] = None,
    delimiter: Delimiter = None,
    no_quoting: NoQuoting = False,
    escape: Escape = None,
    names: Names = None,
    encoding: FileEncoding = None,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Rows without a label, to be answered by `ihas batch`.")] = False,
    url: Url = HERE,
) -> None:
    """Upload a table and wait until it is checked."""
    terminal, path = context.obj, Path(source)
    if "://" not in source and not path.is_file():
        raise typer.BadParameter(f"File '{source}' does not exist.", param_hint="'FILE|URI'")
    reading = reading_of(delimiter, no_quoting, escape, names, encoding) | ({"labelled": False} if unlabelled else {})
    if columns is not None:
        reading["columns"] = read_document(columns)
    with client_of(url) as client:
        found = client.create_dataset(name or path.name, **reading, **({"uri": source} if "://" in source else {}))
        if "://" not in source:
            with _upload_bar(terminal, path) as bar:
                client.upload(found["id"], path, lambda sent: bar.advance(bar.task_ids[0], sent))
        found = client.wait_dataset(found["id"])
    terminal.result(found, _datasets([found]))
    if found["state"] == "invalid":
        raise failure(found.get("error") or {})


@dataset.command("ls")
def list_datasets(context: typer.Context, url: Url = HERE) -> None:
    """List data sets, newest first."""
    with client_of(url) as client:
        found = client.datasets()["datasets"]
    context.obj.result(found, _datasets(found))


@dataset.command("report")
def report_dataset(context: typer.Context, dataset_id: DatasetId, version: VersionOption = None, url: Url = HERE) -> None:
    """Show the profile and the faults of a data set, and what the rows that were appended last changed."""
    with client_of(url) as client:
        found = client.data_report(dataset_id) if version is None else client.dataset_version_report(dataset_id, version)
        report = ValidationReport.model_validate(found)
    context.obj.result(report.model_dump(mode="json"), *tables.findings(report))


@dataset.command("append")
def append_rows(
    context: typer.Context,
    dataset_id: DatasetId,
    path: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV, Parquet or JSON-lines file.")],
    form: Annotated[str, typer.Option("--format", help="csv, parquet or jsonl; by default told from the file.")] = "auto",
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key with the same file is the same version.")] = None,
    url: Url = HERE,
) -> None:
    """Append a file's rows to a data set and wait until its new version is checked; if that is invalid, the one before stays in use."""
    with client_of(url) as client:
        with _upload_bar(context.obj, path) as bar:
            sent = client.append(
                dataset_id, path, key or secrets.token_hex(8), lambda size: bar.advance(bar.task_ids[0], size), format=form
            )
        found = client.wait_dataset_version(dataset_id, sent["version"])
        report = client.dataset_version_report(dataset_id, sent["version"]) if found["state"] == "valid" else None
    shown = () if report is None else tables.changes(ValidationReport.model_validate(report))
    context.obj.result(found, _versions([found]), *shown)
    if found["state"] == "invalid":
        raise failure(found.get("error") or {})


@dataset.command("versions")
def list_versions(context: typer.Context, dataset_id: DatasetId, url: Url = HERE) -> None:
    """List the versions of a data set, newest first."""
    with client_of(url) as client:
        found = client.dataset_versions(dataset_id)["versions"]
    context.obj.result(found, _versions(found))


@dataset.command("show")
def show_dataset(context: typer.Context, dataset_id: DatasetId, version: VersionOption = None, url: Url = HERE) -> None:
    """Show a data set, or one of its versions with what it changed."""
    with client_of(url) as client:
        if version is None:
            whole = client.dataset(dataset_id)
            context.obj.result(whole, _datasets([whole]))
            return
        found = client.dataset_version(dataset_id, version)
        report = client.dataset_version_report(dataset_id, version) if found["state"] == "valid" else None
    shown = () if report is None else tables.changes(ValidationReport.model_validate(report))
    context.obj.result({**found, "changes": (report or {}).get("changes")}, _versions([found]), *shown)


@dataset.command("limits")
def limit_growth(
    context: typer.Context,
    dataset_id: DatasetId,
    drift: Annotated[float | None, typer.Option(help="Highest population stability index of a field.")] = None,
    new_values: Annotated[
        float | None, typer.Option(help="Highest share of a field's cells with values that were not there before.")
    ] = None,
    missing: Annotated[float | None, typer.Option(help="How much the share of a field's missing cells may grow.")] = None,
    click_rate: Annotated[float | None, typer.Option(help="Highest relative difference of the click rate.")] = None,
    url: Url = HERE,
) -> None:
    """Set how much appended rows may differ from those before; what is left out is not limited."""
    stated = {"drift": drift, "new_values": new_values, "missing": missing, "click_rate": click_rate}
    limits = {name: value for name, value in stated.items() if value is not None}
    with client_of(url) as client:
        found = client.limit_growth(dataset_id, **limits)
    context.obj.result(found, plain_table(("limit", "value"), list(limits.items())) if limits else "Appended rows are not limited.")


@dataset.command("rm")
def remove_dataset(context: typer.Context, dataset_id: DatasetId, version: VersionOption = None, yes: Yes = False, url: Url = HERE) -> None:
    """Delete a data set, its files and its estimates, or its newest version only; models trained on it stay."""
    what = f"data set {dataset_id} and its files" if version is None else f"version {version} of data set {dataset_id} and its rows"
    confirm(f"Delete {what}?", yes)
    with client_of(url) as client:
        gone = client.delete_dataset(dataset_id) if version is None else client.delete_dataset_version(dataset_id, version)
    told = f"Data set {dataset_id}" if version is None else f"Version {version} of data set {dataset_id}"
    context.obj.result(gone, f"{told} is deleted ({gone['bytes']:,} bytes).")


def _upload_bar(terminal: Terminal, path: Path) -> Progress:
    bar = Progress(TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=terminal.err, transient=True)
    bar.disable = terminal.output == "json" or not terminal.err.is_terminal
    bar.add_task("uploading", total=path.stat().st_size)
    return bar


def _datasets(found: list[dict[str, Any]]) -> Any:
    shown = [(one["id"], one["name"], one["state"], one["version"], one["size"] or "", one["created_at"]) for one in found]
    return plain_table(("id", "name", "state", "version", "bytes", "created"), shown)


def _versions(found: list[dict[str, Any]]) -> Any:
    names = ("version", "state", "rows", "size", "parent", "actor", "created_at")
    shown = [tuple("" if one[name] is None else one[name] for name in names) for one in found]
    return plain_table(("version", "state", "rows", "bytes", "after", "by", "created"), shown)
