"""`ihas user`: fields of known users beside a model, which change without a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.commands.models import ModelName
from ihas_service.cli.commands.putting import fields_of, import_file

UserName = Annotated[str, typer.Argument(help="The user, as the field of users spells it.")]

user = typer.Typer(name="user", help="Fields of known users, which change without a new model.", no_args_is_help=True)


@user.command("put")
def put_user(
    context: typer.Context,
    name: ModelName,
    user: UserName,
    fields: Annotated[str, typer.Argument(help='Context fields as JSON, such as \'{"town": "Bonn"}\'; all that was put before goes.')],
    url: Url = HERE,
) -> None:
    """Put the fields of a user; requests that leave one out get it."""
    with client_of(url) as client:
        found = client.put_user(name, user, fields_of(fields, "FIELDS"))
    context.obj.result(found, f"User {found['user']} of {name}: {json.dumps(found['fields'], ensure_ascii=False)}")


@user.command("show")
def show_user(context: typer.Context, name: ModelName, user: UserName, url: Url = HERE) -> None:
    """Show the fields of a user that were put."""
    with client_of(url) as client:
        found = client.user(name, user)
    lines = [f"{field:15} {json.dumps(value, ensure_ascii=False)}" for field, value in found["fields"].items()]
    context.obj.result(found, "\n".join(lines) or "No fields.")


@user.command("import")
def import_users(
    context: typer.Context,
    name: ModelName,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON lines ({"user": ..., "fields": {...}} each), CSV or Parquet, also with gzip.', exists=True, dir_okay=False
        ),
    ],
    user: Annotated[str, typer.Option(help="Column of the user's id; the other columns are fields.")] = "user",
    url: Url = HERE,
) -> None:
    """Put the fields of many users, a thousand at a time; a repetition changes nothing."""
    with client_of(url) as client:
        found = import_file(client, f"/v1/models/{name}/users", file, "user", user) or client.users(name)
    context.obj.result(found, f"{found['users']:,} users of {name} have fields.")


@user.command("count")
def count_users(context: typer.Context, name: ModelName, url: Url = HERE) -> None:
    """Say how many users have fields that were put."""
    with client_of(url) as client:
        found = client.users(name)
    context.obj.result(found, f"{found['users']:,} users of {name} have fields, some {found['bytes']:,} bytes.")


@user.command("rm")
def remove_user(context: typer.Context, name: ModelName, user: UserName, yes: Yes = False, url: Url = HERE) -> None:
    """Forget the fields of a user, and what of kept events the user has clicked."""
    confirm(f"Forget user {user} of model {name}?", yes)
    with client_of(url) as client:
        found = client.delete_user(name, user)
    context.obj.result(found, f"User {user} of {name} is forgotten, with {found['clicks']} clicks.")
