"""`ihas dataset`: data sets of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ihas.data.findings import ValidationReport
from pipelines.kinds.recipe_file import read_document
from pipelines.reports.terminal_tables import plain_table
from service.cli import tables
from service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from service.cli.commands.reading import Delimiter, Escape, Names, NoQuoting, reading_of
from service.cli.local_run import failure
from service.cli.terminal import Terminal

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
    url: Url = HERE,
) -> None:
    """Upload a table and wait until it is checked."""
    terminal, path = context.obj, Path(source)
    if "://" not in source and not path.is_file():
        raise typer.BadParameter(f"File '{source}' does not exist.", param_hint="'FILE|URI'")
    reading = reading_of(delimiter, no_quoting, escape, names)
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
def report_dataset(context: typer.Context, dataset_id: Annotated[str, typer.Argument(help="Id of the data set.")], url: Url = HERE) -> None:
    """Show the profile and the faults of a data set."""
    with client_of(url) as client:
        report = ValidationReport.model_validate(client.data_report(dataset_id))
    context.obj.result(report.model_dump(mode="json"), *tables.findings(report))


@dataset.command("rm")
def remove_dataset(
    context: typer.Context, dataset_id: Annotated[str, typer.Argument(help="Id of the data set.")], yes: Yes = False, url: Url = HERE
) -> None:
    """Delete a data set, its file and its estimates; models trained on it stay."""
    confirm(f"Delete data set {dataset_id} and its file?", yes)
    with client_of(url) as client:
        gone = client.delete_dataset(dataset_id)
    context.obj.result(gone, f"Data set {dataset_id} is deleted ({gone['bytes']:,} bytes).")


def _upload_bar(terminal: Terminal, path: Path) -> Progress:
    bar = Progress(TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=terminal.err, transient=True)
    bar.disable = terminal.output == "json" or not terminal.err.is_terminal
    bar.add_task("uploading", total=path.stat().st_size)
    return bar


def _datasets(found: list[dict[str, Any]]) -> Any:
    shown = [(one["id"], one["name"], one["state"], one["size"] or "", one["created_at"]) for one in found]
    return plain_table(("id", "name", "state", "bytes", "created"), shown)
