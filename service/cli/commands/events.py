"""`ihas events`: what was shown and what people did with it, as rows; and events from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, TextColumn

from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, client_of
from ihas_service.cli.terminal import CommandError, ExitCode, Terminal
from ihas_service.client.event_file import EventColumns

events = typer.Typer(name="events", help="Events of a service, and rows of what was shown.", no_args_is_help=True)
ModelName = Annotated[str, typer.Argument(help="Name of the model.")]
Since = Annotated[str | None, typer.Option(help="Earliest time of a row: RFC 3339, or seconds since 1970; all that is kept by default.")]
Until = Annotated[str | None, typer.Option(help="Rows lie before this time; now by default.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Leave out what was reported after this time, for the same rows again.")]
Window = Annotated[float, typer.Option("--window", help="Attribution window: seconds after an answer in which events belong to it.")]
Positive = Annotated[str, typer.Option(help="What makes a row positive: a kind of event, or a comparison such as 'rating >= 4'.")]
Open = Annotated[bool, typer.Option("--open", help="Also rows whose window has not ended.")]
Details = Annotated[bool, typer.Option("--details", help="Also rank, score, propensity, version, group, canary and explored.")]
OfVersion = Annotated[int | None, typer.Option("--version", help="Version whose columns the rows have; the one that serves by default.")]
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
SHOWN = 20
"""Rejected rows that are printed."""


@events.command("export")
def export_events(
    context: typer.Context,
    name: ModelName,
    output: Annotated[Path, typer.Option("--output", help="File to write: .parquet or .jsonl.", dir_okay=False)],
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    window: Window = 86_400.0,
    positive: Positive = "click",
    open_: Open = False,
    details: Details = False,
    version: OfVersion = None,
    url: Url = HERE,
) -> None:
    """Save what a model showed as rows to train on."""
    form = SUFFIXES.get(output.suffix.lower())
    if form is None:
        raise typer.BadParameter(f"The file must end in {', '.join(SUFFIXES)}, but is called {output.name!r}.", param_hint="--output")
    asked = _asked(since=since, until=until, as_of=as_of, window_s=window, positive=positive, open=open_, details=details, version=version)
    with client_of(url) as client:
        found = client.export_events(name, output, format=form, **asked)
    context.obj.result(found, f"{found['file']} ({found['bytes']:,} bytes){_left_out(found)}")


@events.command("dataset")
def make_dataset(
    context: typer.Context,
    name: ModelName,
    dataset_name: Annotated[str | None, typer.Option("--name", help="Display name of the data set; the model's name by default.")] = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    window: Window = 86_400.0,
    positive: Positive = "click",
    open_: Open = False,
    details: Details = False,
    version: OfVersion = None,
    url: Url = HERE,
) -> None:
    """Make a data set of the service from what a model showed, and wait until it is checked."""
    asked = _asked(since=since, until=until, as_of=as_of, window_s=window, positive=positive, open=open_, details=details, version=version)
    with client_of(url) as client:
        made = client.create_event_dataset(name, dataset_name or f"{name} events", **asked)
        found = client.wait_dataset(made["id"])
    context.obj.result(found, f"Data set {found['id']} is {found['state']} ({found['size']:,} bytes).")
    if found["state"] == "invalid":
        raise CommandError(str((found.get("error") or {}).get("detail")), ExitCode.INVALID_DATA)


@events.command("import")
def import_events(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines, CSV or Parquet, also compressed with gzip.", exists=True, dir_okay=False)],
    model: Annotated[str | None, typer.Option(help="Model of rows that name none.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of rows that name none, such as click.")] = None,
    item: Annotated[str, typer.Option(help="Column of the item.")] = "item_id",
    at: Annotated[str, typer.Option(help="Column of the time.")] = "at",
    value: Annotated[str, typer.Option(help="Column of the value.")] = "value",
    url: Url = HERE,
) -> None:
    """Report the events of a file. Imported again, nothing counts twice. Rows that are rejected are named, and the others count."""
    terminal: Terminal = context.obj
    with client_of(url) as client, _counter(terminal) as counter:
        found = client.import_events(
            file, EventColumns(model, kind, item, at, value), lambda rows: counter.advance(counter.task_ids[0], rows)
        )
    rejected = [(one["row"], one["detail"]) for one in found["rejected_rows"][:SHOWN]]
    said = f"{found['accepted']:,} events accepted, {found['rejected']:,} rejected."
    terminal.result(found, said, *([plain_table(("row", "why"), rejected)] if rejected else []))
    if found["rejected"]:
        first = found["rejected_rows"][0]
        raise CommandError(f"{found['rejected']:,} rows were rejected; row {first['row']:,}: {first['detail']}", ExitCode.INVALID_DATA)


def _asked(**stated: Any) -> dict[str, Any]:
    """The parameters of a question for rows; what is not stated is left out."""
    return {name: value for name, value in stated.items() if value is not None}


def _left_out(found: dict[str, Any]) -> str:
    said = ""
    if found["open_rows"]:
        said += f"; {found['open_rows']:,} rows wait for the end of their window (--open)"
    if found["rows_without_context"]:
        said += f"; {found['rows_without_context']:,} have no context and are left out"
    return f"{said}."


def _counter(terminal: Terminal) -> Progress:
    shown = Progress(TextColumn("{task.completed:,.0f} rows"), console=terminal.err, transient=True)
    shown.disable = terminal.output == "json" or not terminal.err.is_terminal
    shown.add_task("importing", total=None)
    return shown
