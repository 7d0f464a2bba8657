"""Load shedding: answer as many requests as there is time for, and refuse the others at once with 503 and `Retry-After`.

Requests wait in order of arrival (`service.http.middleware.concurrency_limiter`). Requests to models have permits of their own,
so that a slow or unreachable database takes none from them; long ones hand theirs back and compute in a thread
(`service.http.middleware.compute_threads`). Probes, metrics, streams, long polls and file transfers wait for something other
than this process and are never shed.
"""

from __future__ import annotations

import re
import time
from collections import deque

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.auth.scopes import ASKING, PUBLIC, PUBLIC_V2
from service.errors import OverloadError
from service.http.middleware.compute_threads import Threads
from service.http.middleware.concurrency_limiter import Places, Turn
from service.http.problems import http_problem, known_problem
from service.settings import Settings

MAX_PATHS = 1_000
LONG_TURN = 0.2
"""Of the time that anybody may wait: a turn of the event loop which makes small answers for longer is long."""
LONG = re.compile(r"/v1/(datasets|datasets/[^/]+/content|searches/sr_[^/]+(/(events|logs|report|result|plots/.*))?)|/metrics")


class Shed:
    """Gives requests their places, or refuses them (ASGI)."""

    def __init__(self, app: ASGIApp, settings: Settings, threads: Threads) -> None:
        self._app, self._threads = app, threads
        self._long: set[str] = set()
        self._answers = Places(settings.max_answers_at_once, settings.max_wait_s, LONG_TURN * settings.max_wait_s)
        self._others = Places(settings.max_requests_at_once, settings.max_wait_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say that it is too much now."""
        if scope["type"] != "http" or (places := self._places(scope["method"], scope["path"])) is None:
            await self._app(scope, receive, send)
            return
        body = Body(receive)
        try:
            await body.read()
            came_at = time.perf_counter()
            if scope["path"] in self._long:
                self._threads.check()
            turn = scope["state"]["turn"] = Turn(places, came_at, await places.take(came_at))
        except HTTPException as error:
            await http_problem(scope, error.status_code, error.detail, error.headers)(scope, receive, send)
            return
        except OverloadError as error:
            await known_problem(scope, error)(scope, receive, send)
            return
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._remember(scope["path"], turn.left)
            turn.leave()

    def _remember(self, path: str, took_long: bool) -> None:
        """Whether the last answer at a path took a thread, so that the next one is refused before it is parsed where there is none."""
        if not took_long:
            self._long.discard(path)
        elif path not in self._long:
            if len(self._long) >= MAX_PATHS:
                self._long.clear()
            self._long.add(path)

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
