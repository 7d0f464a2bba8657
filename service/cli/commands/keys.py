"""`ihas keys`: API keys of a tenant; the first one is created on the service's machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ihas.errors import ConfigError
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, client_of

keys = typer.Typer(name="keys", help="API keys of a tenant.", no_args_is_help=True)


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Display name.")] = "key",
    scopes: Annotated[str, typer.Option(help="Scopes, separated by commas: read, data, search, models, score, admin, metrics.")] = "read",
    tenant: Annotated[str | None, typer.Option(help="Create it for this tenant directly in the database of the settings.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder of the service [IHAS_FOLDER], with --tenant.")] = None,
    expires_in_s: Annotated[float | None, typer.Option(help="Seconds until it expires.")] = None,
    url: Url = HERE,
) -> None:
    """Create a key; its text is shown only once. With --tenant neither a service nor a key is needed, only the database."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if tenant is None:
        with client_of(url) as client:
            made = client.create_key(name, wanted, expires_in_s)
    else:
        made = _made_here(tenant, name, wanted, folder, expires_in_s)
    context.obj.result(made, made["key"])


@keys.command("ls")
def list_keys(context: typer.Context, url: Url = HERE) -> None:
    """List the tenant's keys, without their text."""
    with client_of(url) as client:
        found = client.keys()["keys"]
    shown = [(one["id"], one["name"], ", ".join(one["scopes"]), one["expires_at"] or "", one["revoked_at"] or "") for one in found]
    context.obj.result(found, plain_table(("id", "name", "scopes", "expires", "revoked"), shown))


@keys.command("rotate")
def rotate_key(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="Id of the key.")],
    grace_s: Annotated[float, typer.Option(help="Seconds for which the old key stays valid.")] = 86_400.0,
    url: Url = HERE,
) -> None:
    """Replace a key; the new key's text is shown only once."""
    with client_of(url) as client:
        made = client.rotate_key(key_id, grace_s)
    context.obj.result(made, made["key"])


@keys.command("revoke")
def revoke_key(context: typer.Context, key_id: Annotated[str, typer.Argument(help="Id of the key.")], url: Url = HERE) -> None:
    """Revoke a key."""
    with client_of(url) as client:
        ended = client.revoke_key(key_id)
    context.obj.result(ended, f"Key {key_id} is revoked.")


def _made_here(tenant: str, name: str, wanted: list[str], folder: Path | None, expires_in_s: float | None) -> dict[str, Any]:
    from ihas_service.auth.scopes import Scope
    from ihas_service.auth.tokens import new_key
    from ihas_service.settings import Settings
    from ihas_service.storage.database import Database
    from ihas_service.storage.keys import Keys

    unknown = sorted(set(wanted) - set(Scope))
    if unknown or not wanted:
        raise ConfigError(f"Scopes must be some of {', '.join(Scope)}, but got {', '.join(unknown) or 'none'}.")
    settings = Settings() if folder is None else Settings(folder=folder)
    settings.folder.mkdir(parents=True, exist_ok=True)
    database = Database(settings.url)
    text, key = new_key(tenant, name, map(Scope, wanted), expires_in_s)
    Keys(database).add(key)
    database.close()
    return {"id": key.id, "tenant": tenant, "name": name, "scopes": wanted, "key": text}
