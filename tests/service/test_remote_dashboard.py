"""`ihas dashboard`: the page of a service elsewhere, with nobody's key but the visitor's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from ihas.errors import ConfigError
from ihas_service.remote_dashboard import create_remote, serve_remote
from tests.clock import HANG_S
from tests.service.keyed import NewKey
from tests.service.live import LiveServer


@contextmanager
def passed_on(api: str) -> Iterator[httpx.Client]:
    """A client of the dashboard of the service at `api`."""
    server = uvicorn.Server(uvicorn.Config(create_remote(api), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "The server ended before it answered."
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG_S) as client:
        yield client
    server.should_exit = True
    thread.join()


def test_requests_go_on_with_the_visitors_key_alone(guarded: LiveServer, new_headers: NewKey) -> None:
    """The page and its files come from here; what it asks, the service answers as it would itself, headers that say a version included."""
    with passed_on(guarded.url) as client:
        asked = client.get("/v1/caller", headers=new_headers("acme"))
        created = client.post("/v1/datasets", json={"name": "clicks"}, headers=new_headers("acme"))

        assert client.get("/").text.startswith("<!doctype html>")
        assert client.get("/dashboard/app.js").status_code == 200
        assert asked.json()["tenant"] == "acme"
        assert client.get("/v1/caller").status_code == 401
        assert created.status_code == 201
        assert created.headers["location"].startswith("/v1/datasets/ds_")
        assert client.get("/metrics").status_code == 404


def test_pages_of_other_sites_are_refused(live: LiveServer) -> None:
    """Neither another host's name nor another origin comes through to a service that asks for no keys."""
    with passed_on(live.url) as client:
        assert client.get("/v1/models").status_code == 200
        assert client.get("/v1/models", headers={"origin": "http://evil.example"}).status_code == 403
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        assert client.get("/dashboard/app.js", headers={"host": "evil.example"}).status_code == 403


def test_a_service_that_is_away_is_told(unused_address: str) -> None:
    """With a problem document, which the page understands."""
    with passed_on(unused_address) as client:
        answer = client.get("/v1/models")

    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert unused_address in answer.json()["detail"]


@pytest.fixture
def unused_address() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_what_is_no_address_is_refused() -> None:
    """So is a port that others have."""
    for wrong in ("shop", "ftp://shop", ""):
        with pytest.raises(ConfigError, match="must be the address of a service"):
            create_remote(wrong)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="must be able to listen"):
        serve_remote("http://127.0.0.1:8000", taken.getsockname()[1], print)
