"""The light client counts what a real server answers, refuses and breaks off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from ihas_pipelines.benchmarks.asking import Client, Flood, flood, saturate, written
from tests.clock import HANG_S

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\ncontent-length: 2\r\n\r\n{}"
LAST = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
BODIES = (b"ok", b"busy", b"last", b"gone")


async def answer(seen: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as each body says; keep the connection unless it says otherwise."""
    body = b""
    while body not in (b"last", b"gone"):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            break
        body = await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
        seen.append(body)
        writer.write({b"ok": OK, b"busy": BUSY, b"last": LAST, b"gone": b""}[body])
    writer.close()
    await writer.wait_closed()


@contextmanager
def server() -> Iterator[tuple[str, list[bytes]]]:
    """A server on a loopback port, in a thread; its URL and the bodies it saw."""
    seen, ready, known = list[bytes](), threading.Event(), dict[str, Any]()

    async def run() -> None:
        stop = asyncio.Event()
        started = await asyncio.start_server(partial(answer, seen), "127.0.0.1", 0)
        known.update(port=started.sockets[0].getsockname()[1], loop=asyncio.get_running_loop(), stop=stop)
        ready.set()
        await stop.wait()
        started.close()
        if answering := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(answering, timeout=HANG_S)  # every client has closed its connections

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{known['port']}/ask", seen
    finally:
        known["loop"].call_soon_threadsafe(known["stop"].set)
        thread.join()


def counts(found: Flood) -> dict[tuple[int, bool], int]:
    """Outcomes by status and whether they say when to come again."""
    kinds = [(one.status, one.retry_after) for one in found.outcomes]
    return {kind: kinds.count(kind) for kind in kinds}


def test_a_request_is_written_whole() -> None:
    """Method, path, host, type and length, then the body."""
    (request,) = written("http://127.0.0.1:81/v1/x", [b"{}"])

    assert request == b"POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:81\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def test_every_request_of_a_flood_is_accounted_for() -> None:
    """Forty requests in a fifth of a second, ten of each kind: answered, refused, answered on a connection that ends, broken off."""
    with server() as (url, seen):
        found = asyncio.run(flood(url, BODIES, 200.0, 0.2))

    assert counts(found) == {(200, False): 20, (503, True): 10, (0, False): 10}
    assert sorted(seen) == sorted(BODIES * 10)
    assert found.seconds == 0.2
    assert all(one.seconds > 0.0 for one in found.outcomes)


def test_only_answers_count_as_capacity() -> None:
    """Connections that are answered and refused in turn are answered as often as the server saw what it answers."""
    with server() as (url, seen):
        for seconds in (0.2, 2.0, 20.0, 100.0):  # until a busy machine has answered one in time
            before = seen.count(b"ok")
            if rate := asyncio.run(saturate(url, [b"ok", b"busy"], 3, seconds)):
                break

    assert 0.0 < rate * seconds <= seen.count(b"ok") - before


def test_the_client_has_a_process_of_its_own() -> None:
    """A flood from there brings the same account, and says how late it was and what it took."""
    with server() as (url, _), Client(url, [b"ok"]) as client:
        found = client.flood(100.0, 0.2)

    assert counts(found) == {(200, False): 20}
    assert found.late_s >= 0.0
    assert found.cpu > 0.0


def test_a_server_that_is_not_there_answers_nothing() -> None:
    """Every request counts, as one that broke."""
    with server() as (url, _):
        pass

    assert counts(asyncio.run(flood(url, [b"ok"], 50.0, 0.1))) == {(0, False): 5}


@pytest.mark.parametrize("connections", [1, 4])
def test_connections_ask_one_after_the_other(connections: int) -> None:
    """Every request that was sent was answered before the next one of its connection."""
    with server() as (url, seen):
        rate = asyncio.run(saturate(url, [b"ok"], connections, 0.1))

    assert abs(len(seen) - rate * 0.1) <= connections
