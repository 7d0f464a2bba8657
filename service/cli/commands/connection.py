"""Connection to a service: its address is `--url`; the key comes from IHAS_API_KEY only, so that no process list shows it."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from service.client.client import Client

Url = Annotated[str, typer.Option("--url", envvar="IHAS_URL", help="Address of the service; the API key comes from IHAS_API_KEY.")]
HERE = "http://127.0.0.1:8000"


def client_of(url: str) -> Client:
    """A client with the key of the environment."""
    return Client(url, api_key=os.environ.get("IHAS_API_KEY") or None)
