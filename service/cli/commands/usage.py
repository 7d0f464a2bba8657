"""`ihas usage`: what a tenant keeps, against its quotas."""

from __future__ import annotations

import typer

from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, client_of

KINDS = {"datasets": "data sets", "searches": "searches and models", "answers": "recommendations and events"}


def usage(context: typer.Context, url: Url = HERE) -> None:
    """Show the bytes that the tenant keeps of each kind, and may keep."""
    with client_of(url) as client:
        found = client.usage()
    shown = [(words, f"{found[kind]['used']:,}", _limit(found[kind]["limit"])) for kind, words in KINDS.items()]
    context.obj.result(found, plain_table(("kind", "bytes used", "limit"), shown))


def _limit(limit: int | None) -> str:
    return "none" if limit is None else f"{limit:,}"
