"""`ihas item`: fields of items beside a model, which change without a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.commands.models import ModelName
from ihas_service.cli.commands.putting import fields_of, import_file
from ihas_service.client.transfer import Document

ItemName = Annotated[str, typer.Argument(help="The item's id.")]

item = typer.Typer(name="item", help="Fields of items, which change without a new model.", no_args_is_help=True)


@item.command("put")
def put_item(
    context: typer.Context,
    name: ModelName,
    item: ItemName,
    fields: Annotated[str, typer.Argument(help="Item fields as JSON, such as '{\"price\": 9.5}'; all that was put before goes.")],
    url: Url = HERE,
) -> None:
    """Put fields of an item, in the place of those of the model; also of an item that is new."""
    with client_of(url) as client:
        found = client.put_item(name, item, fields_of(fields, "FIELDS"))
    context.obj.result(found, f"Item {found['item']} of {name}: {_told(found)}")


@item.command("show")
def show_item(context: typer.Context, name: ModelName, item: ItemName, url: Url = HERE) -> None:
    """Show what counts of an item now, and what of it was put."""
    with client_of(url) as client:
        found = client.item(name, item)
    lines = [
        f"{field:15} {json.dumps(value, ensure_ascii=False)}{' (put)' if field in found['fields'] else ''}"
        for field, value in found["values"].items()
    ]
    context.obj.result(found, "\n".join((*lines, _told(found))))


@item.command("import")
def import_items(
    context: typer.Context,
    name: ModelName,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON lines ({"item": ..., "fields": {...}} each), CSV or Parquet, also with gzip.', exists=True, dir_okay=False
        ),
    ],
    item: Annotated[str, typer.Option(help="Column of the item's id; the other columns are its fields.")] = "item",
    url: Url = HERE,
) -> None:
    """Put the fields of many items, a thousand at a time; a repetition changes nothing."""
    with client_of(url) as client:
        found = import_file(client, f"/v1/models/{name}/items", file, "item", item) or client.items(name)
    new, unknown = len(found.get("new", ())), len(found.get("unknown_values", ()))
    more = f" Of those sent last, {new:,} or more are new, and {unknown:,} values or more are unknown." if new or unknown else ""
    context.obj.result(found, f"{found['items']:,} items of {name} have fields.{more}")


@item.command("count")
def count_items(context: typer.Context, name: ModelName, url: Url = HERE) -> None:
    """Say how many items have fields that were put."""
    with client_of(url) as client:
        found = client.items(name)
    context.obj.result(found, f"{found['items']:,} items of {name} have fields, some {found['bytes']:,} bytes.")


@item.command("rm")
def remove_item(context: typer.Context, name: ModelName, item: ItemName, yes: Yes = False, url: Url = HERE) -> None:
    """Forget what was put of an item."""
    confirm(f"Forget what was put of item {item} of model {name}?", yes)
    with client_of(url) as client:
        found = client.delete_item(name, item)
    context.obj.result(found, f"What was put of item {item} of {name} is forgotten.")


@item.command("clear")
def clear_items(
    context: typer.Context,
    name: ModelName,
    put_before: Annotated[str | None, typer.Option(help="Only what was put before this time: RFC 3339, or seconds since 1970.")] = None,
    yes: Yes = False,
    url: Url = HERE,
) -> None:
    """Forget what was put of all items, such as after a new version has learnt from a table that says it."""
    confirm(f"Forget what was put of items of model {name}?", yes)
    with client_of(url) as client:
        found = client.delete_items(name, put_before)
    context.obj.result(found, f"What was put of {found['items']:,} items of {name} is forgotten.")


def _told(found: Document) -> str:
    """What a person should know of an item that was put."""
    parts: list[Any] = [f"put {json.dumps(found['fields'], ensure_ascii=False)}." if found["fields"] else "nothing was put."]
    if found["new"]:
        parts.append("It is new: the model does not know its id.")
    for one in found["unknown_values"]:
        parts.append(f"The model does not know the {one['field']} {json.dumps(one['value'], ensure_ascii=False)}.")
    if found["left_out"]:
        parts.append(f"The version that serves cannot read {', '.join(found['left_out'])}.")
    return " ".join(parts)
