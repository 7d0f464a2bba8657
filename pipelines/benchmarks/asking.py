"""A client that costs little beside what it asks: whole requests written as bytes, answers parsed by httptools, in a process of its own.

A client of the package index takes as long for a request as a server does for an answer, and on shared cores the server would be measured
by what its client leaves it. How much of a core the client took, and how late it sent, is told with every measurement.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar, cast
from urllib.parse import urlsplit

import httptools
import uvloop

Found = TypeVar("Found")
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Outcome:
    """One request.

    Attributes:
        status: of the answer; 0 where the connection broke, or none came.
        seconds: from when the request was due to the whole answer.
        retry_after: whether the answer says when to come again.
    """

    status: int
    seconds: float
    retry_after: bool


@dataclass(frozen=True)
class Flood:
    """What came of requests at a rate.

    Attributes:
        outcomes: of every request.
        seconds: that requests were due in.
        late_s: what one request of a hundred was sent later than it was due by.
        cpu: cores that the client kept busy.
    """

    outcomes: Sequence[Outcome]
    seconds: float
    late_s: float
    cpu: float


class Client:
    """A process that asks one server; a context manager."""

    def __init__(self, url: str, bodies: Sequence[bytes]) -> None:
        self._target, self._bodies = url, tuple(bodies)
        self._process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.shutdown()

    def saturate(self, connections: int, seconds: float) -> float:
        """Answers a second to connections that each ask again as soon as they are answered."""
        return self._process.submit(_run, saturate, self._target, self._bodies, connections, seconds).result()

    def flood(self, rate: float, seconds: float) -> Flood:
        """Ask at a rate, whatever becomes of the requests."""
        return self._process.submit(_run, flood, self._target, self._bodies, rate, seconds).result()


def _run(ask: Callable[..., Awaitable[Found]], *arguments: object) -> Found:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(ask(*arguments)))


async def _awaited(found: Awaitable[Found]) -> Found:
    return await found


async def saturate(url: str, bodies: Sequence[bytes], connections: int, seconds: float) -> float:
    """See `Client.saturate`."""
    requests, end = itertools.cycle(written(url, bodies)), time.perf_counter() + seconds

    async def keep_asking() -> int:
        answered, connection = 0, await connect(url)
        while time.perf_counter() < end:
            status, _ = await connection.ask(next(requests))
            answered += status == 200 and time.perf_counter() < end
        connection.close()
        return answered

    return sum(await asyncio.gather(*(keep_asking() for _ in range(connections)))) / seconds


async def flood(url: str, bodies: Sequence[bytes], rate: float, seconds: float) -> Flood:
    """See `Client.flood`."""
    requests, free, asked, late = itertools.cycle(written(url, bodies)), list[Connection](), [], []
    began, spent = time.perf_counter(), time.process_time()
    for number in range(round(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(time.perf_counter() - due)
        asked.append(asyncio.create_task(_one(url, free, next(requests), due)))
    cpu = (time.process_time() - spent) / (time.perf_counter() - began)
    outcomes = await asyncio.gather(*asked)
    for connection in free:
        connection.close()
    return Flood(outcomes, seconds, statistics.quantiles(late, n=100)[98], cpu)


async def _one(url: str, free: list[Connection], request: bytes, due: float) -> Outcome:
    try:
        while free and not free[-1].open:  # a server ends connections that nobody used for a while
            free.pop()
        connection = free.pop() if free else await connect(url)
        status, retry_after = await asyncio.wait_for(connection.ask(request), PATIENCE_S)
    except (OSError, TimeoutError):
        return Outcome(0, time.perf_counter() - due, False)
    if connection.open:
        free.append(connection)
    return Outcome(status, time.perf_counter() - due, retry_after)


def written(url: str, bodies: Sequence[bytes]) -> list[bytes]:
    """Requests as they go over the wire: POST of each body as JSON."""
    target = urlsplit(url)
    head = f"POST {target.path} HTTP/1.1\r\nhost: {target.netloc}\r\ncontent-type: application/json\r\ncontent-length: "
    return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]


async def connect(url: str) -> Connection:
    """A connection to the server."""
    host, _, port = urlsplit(url).netloc.rpartition(":")
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, int(port))
    return connection


class Connection(asyncio.Protocol):
    """One connection that stays; a request at a time.

    Attributes:
        open: whether another request may be sent.
    """

    def __init__(self) -> None:
        self.open = True
        self._retry_after = False

    async def ask(self, request: bytes) -> tuple[int, bool]:
        """Send a request; the answer's status, and whether it says when to come again.

        Raises:
            ConnectionError: the connection broke before the answer was whole.
        """
        self._answer: asyncio.Future[tuple[int, bool]] = asyncio.get_running_loop().create_future()
        if self.open:
            self._transport.write(request)
        else:
            self._break()
        return await self._answer

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods alone
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """See `asyncio.Protocol`."""
        self.open = False
        if hasattr(self, "_answer"):
            self._break()

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._retry_after = False

    def on_header(self, name: bytes, _: bytes) -> None:
        """One of its headers."""
        self._retry_after |= name.lower() == b"retry-after"

    def on_message_complete(self) -> None:
        """It is whole."""
        self.open = self.open and self._parser.should_keep_alive()
        if not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._retry_after))

    def _break(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionError("The server closed the connection."))
