"""What is sent again, and when."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from ihas_service import errors
from ihas_service.client.client import AsyncClient, Client
from ihas_service.client.retries import MAX_WAIT_S, repeatable, wait_s

pytestmark = pytest.mark.full


class Busy:
    """A server that is busy for its first answers.

    Attributes:
        url: where it answers.
        answers: statuses still to be given; 200 after the last.
        asked: method and path of every request.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.asked.append(f"{self.command} {self.path}")
                status = outer.answers.pop(0) if outer.answers else 200
                self.send_response(status)
                self.send_header("retry-after", "0")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = answer

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def busy() -> Iterator[Busy]:
    """The server, at work."""
    busy = Busy()
    thread = threading.Thread(target=busy.server.serve_forever)
    thread.start()
    yield busy
    busy.server.shutdown()
    thread.join()
    busy.server.server_close()


def test_what_may_be_sent_twice_is_sent_until_it_is_answered(busy: Busy) -> None:
    """Reading, asking a model and a submission with a key: four tries; the answer after three refusals counts."""
    with Client(busy.url) as client:
        for send in (client.models, lambda: client.score("m", []), lambda: client.create_search("m", "d", key="k")):
            busy.answers, busy.asked = [503, 429, 502], []
            assert send() == {}
            assert len(busy.asked) == 4


def test_what_may_not_be_sent_twice_is_sent_once(busy: Busy) -> None:
    """A promotion, a submission without a key: the first refusal is the answer."""
    with Client(busy.url) as client:
        for send in (lambda: client.promote("m", 1), lambda: client.create_search("m", "d")):
            busy.answers, busy.asked = [503], []
            with pytest.raises(errors.BusyError):
                send()
            assert len(busy.asked) == 1


def test_patience_ends(busy: Busy) -> None:
    """Four refusals are the answer."""
    busy.answers = [503] * 9
    with Client(busy.url) as client, pytest.raises(errors.BusyError):
        client.models()

    assert len(busy.asked) == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.NotAllowedError), (403, errors.NotAllowedError), (404, errors.NotFoundError), (409, errors.StateError),
        (412, errors.StateError), (422, errors.InvalidError), (500, errors.ServiceError),
    ],
)  # fmt: skip
def test_each_status_has_its_error(busy: Busy, status: int, kind: type[Exception]) -> None:
    """For both clients; none of these is sent again."""

    async def ask() -> None:
        async with AsyncClient(busy.url) as client:
            await client.models()

    busy.answers = [status, status]
    with Client(busy.url) as client, pytest.raises(kind) as waited:
        client.models()
    with pytest.raises(kind) as awaited:
        asyncio.run(ask())

    assert type(waited.value) is type(awaited.value) is kind
    assert len(busy.asked) == 2


def test_nobody_there_is_an_error_of_its_own() -> None:
    """With no status."""
    with Client("http://127.0.0.1:9", patience_s=1.0) as client, pytest.raises(errors.UnreachableError) as error:
        client.promote("m", 1)

    assert error.value.status == 0


def test_waits_grow_and_end() -> None:
    """Twice as long each time, half of it drawn, never longer than the most; what the service says wins."""
    assert all(0.1 * 2**attempt <= wait_s(attempt, None) <= 0.2 * 2**attempt for attempt in range(5))
    assert wait_s(60, None) <= MAX_WAIT_S
    said = [wait_s(0, httpx.Response(429, headers={"retry-after": after})) for after in ("3", "99")]
    assert said == [3.0, MAX_WAIT_S]
    assert not repeatable("POST", "/v1/models/m/rollback", {})
