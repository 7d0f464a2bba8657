"""More requests than can be answered in time: as many as there is time for are answered, the others are refused at once.

Requests wait in the order in which they came. Who would wait for longer than `max_wait_s` is refused when it comes, by the time that
answers took lately; who did wait that long is refused then. Questions to models have places of their own, so that a database that is away
or slow takes none from them. Probes, figures, streams, long polls and files wait for other things than this process, and are let through.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import deque

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access.scopes import ASKING, PUBLIC, PUBLIC_V2
from service.errors import OverloadError
from service.problems import http_problem, known_problem
from service.settings import Settings

WEIGHT = 0.05
"""Of the newest answer in the mean of what answers took."""
LONG = re.compile(r"/v1/(datasets|datasets/[^/]+/content|searches/[^/]+(/(events|logs|report|result|plots/.*))?)|/metrics")


class Places:
    """Places for requests at work, and the queue for them; of one event loop."""

    def __init__(self, at_once: int, max_wait_s: float) -> None:
        self._at_once, self._max_wait_s = at_once, max_wait_s
        self._taken, self._mean_s = 0, 0.0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._turn_began: float | None = None

    async def take(self) -> float:
        """Wait for a place; when it was given, by `time.perf_counter`.

        Raises:
            OverloadError: there will be none in time.
        """
        if self._expected_s() > self._max_wait_s:
            raise self._overload()
        if self._taken < self._at_once and not self._queue:
            self._taken += 1
        else:
            await self._wait()
        return time.perf_counter()

    def give_back(self, given_at: float) -> None:
        """Leave the place to the next one."""
        self._mean_s += WEIGHT * (time.perf_counter() - given_at - self._mean_s)
        self._next()

    def _expected_s(self) -> float:
        """Seconds that a request would wait which comes now: what this turn of the loop has taken, or the queue will."""
        return max(self._turn_s(), (len(self._queue) + 1) / self._at_once * self._mean_s if self._taken >= self._at_once else 0.0)

    def _turn_s(self) -> float:
        """Seconds since the first request of this turn of the event loop: small answers are made one after the other within one."""
        now = time.perf_counter()
        if self._turn_began is None:
            self._turn_began = now
            asyncio.get_running_loop().call_soon(self._end_turn)
        return now - self._turn_began

    def _end_turn(self) -> None:
        self._turn_began = None

    async def _wait(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await asyncio.wait({place}, timeout=self._max_wait_s)
        except asyncio.CancelledError:
            self._leave(place)
            raise
        if not place.done():
            self._leave(place)
            raise self._overload()

    def _leave(self, place: asyncio.Future[None]) -> None:
        if place.done():
            self._next()  # the place came as its client left
        else:
            self._queue.remove(place)

    def _next(self) -> None:
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._taken -= 1

    def _overload(self) -> OverloadError:
        waits = f"{self._taken} requests are at work and {len(self._queue)} wait, more than can be answered within {self._max_wait_s:g} s."
        return OverloadError(f"{waits} Try again later.", max(1, math.ceil(self._max_wait_s)))


class Shed:
    """Gives requests their places, or refuses them (ASGI)."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._answers = Places(settings.max_answers_at_once, settings.max_wait_s)
        self._others = Places(settings.max_requests_at_once, settings.max_wait_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say that it is too much now."""
        if scope["type"] != "http" or (places := self._places(scope["method"], scope["path"])) is None:
            await self._app(scope, receive, send)
            return
        body = Body(receive)
        try:
            await body.read()
            given_at = await places.take()
        except HTTPException as error:
            await http_problem(scope, error.status_code, error.detail, error.headers)(scope, receive, send)
            return
        except OverloadError as error:
            await known_problem(scope, error)(scope, receive, send)
            return
        try:
            await self._app(scope, body.receive, send)
        finally:
            places.give_back(given_at)

    def _places(self, method: str, path: str) -> Places | None:
        if method == "POST" and path.endswith(ASKING):
            return self._answers
        return None if path in PUBLIC or path in PUBLIC_V2 or LONG.fullmatch(path) else self._others


class Body:
    """A request's body, read before a place is taken, so that a slow client holds none."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: deque[Message] = deque()

    async def read(self) -> None:
        """Read all of it; how much that may be is the limit's matter, outside."""
        more = True
        while more:
            message = await self._receive()
            self._read.append(message)
            more = message.get("more_body", False)

    async def receive(self) -> Message:
        """The next part."""
        return self._read.popleft() if self._read else await self._receive()
