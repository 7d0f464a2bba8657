"""Connection to a service: its address is `--url`; the key comes from IHAS_API_KEY only, so that no process list shows it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from ihas.harmless import harmless
from ihas_service.client.client import Client

Url = Annotated[str, typer.Option("--url", envvar="IHAS_URL", help="Address of the service; the API key comes from IHAS_API_KEY.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
HERE = "http://127.0.0.1:8000"


def client_of(url: str) -> Client:
    """A client with the key of the environment."""
    return Client(url, api_key=os.environ.get("IHAS_API_KEY") or None)


def confirm(question: str, yes: bool) -> None:
    """Ask a person at a terminal; a script is not asked.

    Raises:
        typer.Abort: the answer is no.
    """
    if not yes and sys.stdin.isatty():
        typer.confirm(harmless(question), abort=True, err=True)
