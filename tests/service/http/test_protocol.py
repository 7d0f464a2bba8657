"""Connections: silent, slow, boundless and many ones, over real sockets; seconds only end what would hang."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from ihas_service.client.client import Client
from ihas_service.http.protocol import FILE_RATE, GuardedProtocol, Seldom
from ihas_service.settings import Settings
from tests.clock import HANG_S, Clock
from tests.service.conftest import eventually
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

SHORT_S = 0.2
HEAD = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@contextmanager
def connected(live: LiveServer) -> Iterator[socket.socket]:
    """A connection."""
    with socket.create_connection(("127.0.0.1", live.port), HANG_S) as connection:
        yield connection


def answered(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Status and document of the last answer of a connection, which must be closed after it; (0, {}) where it is closed without."""
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    if not received:
        return 0, {}
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert b"application/problem+json" in head
    return int(head.split()[1]), json.loads(body)


@pytest.fixture
def impatient(settings: Settings) -> Iterator[LiveServer]:
    """A server that waits for nobody."""
    with LiveServer(settings.model_copy(update={"header_timeout_s": SHORT_S, "body_timeout_s": SHORT_S})) as live:
        yield live


def test_a_silent_connection_is_closed(impatient: LiveServer) -> None:
    """Without a word, since nothing was asked."""
    with connected(impatient) as silent:
        assert answered(silent) == (0, {})


@pytest.mark.parametrize("part", [b"G", b"GET / HTTP/1.1\r\nHost: a", HEAD + b"X: "])
def test_headers_that_do_not_end_are_refused(impatient: LiveServer, part: bytes) -> None:
    """408, however far they came; also after a request that was answered."""
    with connected(impatient) as slow:
        slow.sendall(part)
        status, problem = answered(slow)

    assert (status, problem["type"]) == (408, "urn:ihas:problem:request-timeout")


def test_a_second_request_has_a_deadline_too(settings: Settings) -> None:
    """On a connection that is kept, one whose headers do not end."""
    with LiveServer(settings.model_copy(update={"header_timeout_s": 1.0})) as live, connected(live) as kept:
        kept.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"alive" not in received:
            received += kept.recv(65_536)
        kept.sendall(b"GET /livez HTT")
        assert answered(kept)[0] == 408


@pytest.mark.parametrize(
    "body", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"Content-Length: 5\r\n\r\n"]
)
def test_a_body_that_does_not_end_is_refused(impatient: LiveServer, body: bytes) -> None:
    """408, with a length or without one."""
    with connected(impatient) as slow:
        slow.sendall(HEAD + body)
        assert answered(slow)[0] == 408


def test_an_upload_has_a_rate_and_no_deadline(live: LiveServer) -> None:
    """Each time that its time is over, what has come since decides: one that went on is taken, one that did not is refused."""
    dataset = live.json("POST", "/v1/datasets", json={"name": "slow"})["id"]
    piece = b"0,ada\n" * int(FILE_RATE * live.settings.body_timeout_s / 6 + 1)

    def uploading(size: int) -> GuardedProtocol | None:
        """The connection once so many bytes of its body have come."""
        protocols = [one for one in live.server.server_state.connections if isinstance(one, GuardedProtocol) and not one.idle]
        found = [one for one in protocols if one.body_bytes >= size and not (one.flow.read_paused or one.cycle.disconnected)]
        return found[0] if found else None

    def pieces(stops: bool) -> Iterator[bytes]:
        for number in range(1, 4):
            yield piece
            connection = eventually(partial(uploading, number * len(piece)))
            connection.loop.call_soon_threadsafe(connection.body_is_late)
        if stops:
            connection.loop.call_soon_threadsafe(connection.body_is_late)

    path = f"/v1/datasets/{dataset}/content"
    refused = live.http.put(path, content=pieces(stops=True))
    taken = live.http.put(path, content=pieces(stops=False))
    assert (refused.status_code, taken.status_code, taken.json()["size"]) == (408, 202, 3 * len(piece))


def test_headers_have_a_limit(live: LiveServer) -> None:
    """One of a megabyte, ten thousand small ones, a target of a megabyte, and what follows a body as headers: 431 or closed, and the next
    connection is answered."""
    limit = live.server.config.guard.max_header_bytes  # type: ignore[attr-defined]  # the service's own
    endless = (
        HEAD + b"X: " + b"x" * limit + b"\r\n\r\n",
        HEAD + b"X: " + b"x" * 2**20,
        HEAD + b"x:y\r\n" * 10_000 + b"\r\n",
        b"GET /" + b"x" * 2**20,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nX: " + b"x" * 2**20,
    )
    for sent in endless:
        with connected(live) as one:
            one.sendall(sent)
            assert answered(one)[0] == 431, sent[:60]
    with connected(live) as fitting:
        fitting.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + b"x" * (limit - 1_000) + b"\r\n\r\n")
        assert fitting.recv(15) == b"HTTP/1.1 200 OK"


def test_what_is_no_http_is_a_problem_document(live: LiveServer) -> None:
    """400 in the one shape of errors."""
    for sent in (b"\x16\x03\x01\r\n\r\n", b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n", HEAD + b"Content-Length: x\r\n\r\n"):
        with connected(live) as one:
            one.sendall(sent)
            assert answered(one)[0] == 400


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n", b"Host: localhost\r\nhOST: b\r\n"])
def test_a_request_names_one_host(live: LiveServer, hosts: bytes) -> None:
    """400 for none and for two, of which a proxy might have looked at the other one."""
    with connected(live) as one:
        one.sendall(b"GET /livez HTTP/1.1\r\n" + hosts + b"\r\n")
        assert answered(one)[0] == 400


def test_a_trailer_is_no_header(guarded: LiveServer, new_headers: NewKey) -> None:
    """A key behind the body opens nothing: a proxy has not looked at it."""
    key = new_headers()["authorization"].encode()
    head = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(guarded) as one:
        one.sendall(head + b"0\r\nAuthorization: " + key + b"\r\n\r\n")
        assert answered(one)[0] == 401


@pytest.mark.parametrize("rest", [b"zz\r\n", b""])
def test_one_request_has_one_answer(impatient: LiveServer, rest: bytes) -> None:
    """A body that goes wrong, or does not come, after the answer closes the connection without another one."""
    with connected(impatient) as one:
        one.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        received = one.recv(65_536)
        one.sendall(rest)
        with suppress(ConnectionError):
            while piece := one.recv(65_536):
                received += piece

    assert received.count(b"HTTP/1.1 ") == 1


def test_an_answer_belongs_to_its_request(live: LiveServer, valid_dataset: str) -> None:
    """What follows a request and is no HTTP is not answered in its place, nor amid its answer."""
    search = live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})
    wait = f"GET /v1/searches/{search['id']}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connected(live) as one:
        one.sendall(wait.encode() + b"\x16\x03\x01\r\n\r\n")
        live.json("POST", f"/v1/searches/{search['id']}/cancel")
        received = b""
        while piece := one.recv(65_536):
            received += piece

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.count(b"HTTP/1.1 ") == 1
    assert json.loads(received.partition(b"\r\n\r\n")[2])["state"] == "cancelled"


@pytest.mark.parametrize("length", [b"9" * 5_000, b"0" * 5_000 + b"2", b"9" * 25, b"-1", b"\xb2"])
def test_a_length_that_no_body_has_is_refused(live: LiveServer, length: bytes) -> None:
    """4xx in the one shape of errors, however many digits it has."""
    with connected(live) as one:
        one.sendall(HEAD + b"Connection: close\r\nContent-Length: " + length + b"\r\n\r\n{}")
        assert 400 <= answered(one)[0] < 500


def test_silent_connections_lock_nobody_out(settings: Settings) -> None:
    """With ten times as many silent ones as there may be, the next one is answered, and so is every one after it."""
    with LiveServer(settings.model_copy(update={"max_connections": 20})) as live:
        silent = [socket.create_connection(("127.0.0.1", live.port), HANG_S) for _ in range(200)]
        for _ in range(50):
            assert live.http.get("/livez", headers={"connection": "close"}).status_code == 200
        eventually(lambda: len(live.server.server_state.connections) <= 20)
        for one in silent:
            one.close()


def test_where_all_are_busy_the_next_one_is_refused(settings: Settings, valid_dataset: str) -> None:
    """503 with a problem document; nobody who is being answered is cut off."""
    with LiveServer(settings.model_copy(update={"max_connections": 1})) as live:
        search = live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset}, headers={"connection": "close"})
        with live.http.stream("GET", f"/v1/searches/{search['id']}/events") as events, connected(live) as next_one:
            assert next(events.iter_lines())
            assert answered(next_one)[0] == 503
            assert live.server.server_state.connections


UNDER_FEW_FILES = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
from ihas_service.server import serve
from ihas_service.settings import Settings
serve(Settings(**json.loads(sys.argv[1])))
"""


@pytest.mark.slow
def test_a_thousand_silent_sockets_under_few_files(settings: Settings, tmp_path: Path) -> None:
    """The service holds fewer connections than it may open files: others are answered, and the log tells it seldom."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = json.dumps({**settings.model_dump(mode="json"), "port": port})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2_000, hard), hard))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", UNDER_FEW_FILES, given], stderr=log, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
    try:
        with Client(f"http://127.0.0.1:{port}") as client:
            client.wait_ready()
        silent = [socket.create_connection(("127.0.0.1", port), HANG_S) for _ in range(1_000)]
        with socket.create_connection(("127.0.0.1", port), HANG_S) as asking:
            asking.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert asking.recv(15) == b"HTTP/1.1 200 OK"
        for one in silent:
            one.close()
    finally:
        process.kill()
        process.wait()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert len((tmp_path / "log").read_text().splitlines()) < 50


def test_what_happens_often_is_told_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    """With how often it happened since."""
    clock = Clock()
    seldom = Seldom("full", clock)
    for _ in range(1_000):
        seldom.tell()
    clock.advance(1.0)
    seldom.tell()

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["times"] for line in told] == [1, 1_000]
