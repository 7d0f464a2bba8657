"""`ihas dashboard`: the dashboard of a service elsewhere, on this machine; `ihas whoami` and `ihas sign-in`."""

from __future__ import annotations

from typing import Annotated

import typer

from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, client_of


def dashboard(
    context: typer.Context,
    api: Annotated[str, typer.Option("--api", envvar="IHAS_URL", help="Address of the service.")] = HERE,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of this machine; 0 for any that is free.")] = 8_080,
) -> None:
    """Show the dashboard of a service elsewhere in a browser on this machine, until Ctrl-C."""
    from ihas_service.remote_dashboard import serve_remote

    serve_remote(api, port, context.obj.say)


def whoami(context: typer.Context, url: Url = HERE) -> None:
    """Show tenant and scopes of the key in IHAS_API_KEY."""
    with client_of(url) as client:
        found = client.caller()
    context.obj.result(found, plain_table(("tenant", "name", "scopes"), [(found["tenant"], found["name"], ", ".join(found["scopes"]))]))


def sign_in(context: typer.Context, url: Url = HERE) -> None:
    """Show what a service asks of whoever has no key: nothing, a key, or a token of an OpenID provider."""
    with client_of(url) as client:
        found = client.sign_in()
    told = [("access", found["access"]), *sorted((found["provider"] or {}).items())]
    context.obj.result(found, plain_table(("setting", "value"), told))
