"""`ihas batch`: many rows answered by a model of a service."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.local_run import failure

BatchId = Annotated[str, typer.Argument(help="Id of the batch.")]
To = Annotated[Path | None, typer.Option(help="Parquet file that takes the answers.", dir_okay=False)]
batch = typer.Typer(name="batch", help="Many rows answered by a model of a service.", no_args_is_help=True)


@batch.command("run")
def run_batch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Model.")],
    dataset_id: Annotated[str, typer.Argument(help="Id of a valid data set.")],
    to: To = None,
    k: Annotated[int | None, typer.Option(min=1, max=1_000, help="Recommend so many items a row; without it, score.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Version of the model; the one that answers by default.")] = None,
    dataset_version: Annotated[int | None, typer.Option(min=1, help="Version of the data set; the newest valid one by default.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key with the same batch is the same batch.")] = None,
    url: Url = HERE,
) -> None:
    """Answer every row of a data set and wait; Ctrl-C stops waiting, not the batch."""
    asked: dict[str, Any] = {"version": version, "dataset_version": dataset_version, "items": None if k is None else {"k": k}}
    with client_of(url) as client:
        sent = client.create_batch(name, dataset_id, key or secrets.token_hex(8), **asked)
        context.obj.say(f"Batch {sent['id']} is {sent['state']}.")
        found = client.wait_batch(sent["id"])
        if found["state"] == "succeeded" and to is not None:
            client.batch_rows(found["id"], to)
    context.obj.result(found, _batches([found]))
    if found["state"] != "succeeded":
        raise failure(found.get("error") or {"detail": f"The batch is {found['state']}."})


@batch.command("ls")
def list_batches(context: typer.Context, url: Url = HERE) -> None:
    """List batches, newest first."""
    with client_of(url) as client:
        found = client.batches()["batches"]
    context.obj.result(found, _batches(found))


@batch.command("rows")
def fetch_rows(context: typer.Context, batch_id: BatchId, to: Annotated[Path, typer.Option(help="Parquet file.")], url: Url = HERE) -> None:
    """Fetch the answers of a batch."""
    with client_of(url) as client:
        size = client.batch_rows(batch_id, to)
    context.obj.result({"file": str(to), "bytes": size}, f"{size:,} bytes are in {to}.")


@batch.command("cancel")
def cancel_batch(context: typer.Context, batch_id: BatchId, url: Url = HERE) -> None:
    """Stop a batch."""
    with client_of(url) as client:
        found = client.cancel_batch(batch_id)
    context.obj.result(found, _batches([found]))


@batch.command("rm")
def remove_batch(context: typer.Context, batch_id: BatchId, yes: Yes = False, url: Url = HERE) -> None:
    """Delete a batch that has ended, with its answers."""
    confirm(f"Delete batch {batch_id} and its answers?", yes)
    with client_of(url) as client:
        gone = client.delete_batch(batch_id)
    context.obj.result(gone, f"Batch {batch_id} is deleted ({gone['bytes']:,} bytes).")


def _batches(found: list[dict[str, Any]]) -> Any:
    shown = [(one["id"], one["model"], one["version"], one["dataset_id"], one["state"], f"{one['progress']:.0%}") for one in found]
    return plain_table(("id", "model", "version", "data set", "state", "done"), shown)
