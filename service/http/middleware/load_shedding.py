"""Load shedding: answer as many requests as there is time for, and refuse the others at once with 503 and `Retry-After`.

Requests wait in order of arrival (`ihas_service.http.middleware.concurrency_limiter`). Requests to models have permits of their own,
so that a slow or unreachable database takes none from them; long ones hand theirs back and compute in a thread
(`ihas_service.http.middleware.compute_threads`). Probes, metrics, streams, long polls and file transfers wait for something other
than this process and are never shed.
"""

from __future__ import annotations

import time
from collections import deque

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ihas_service.errors import OverloadError
from ihas_service.http.middleware.compute_threads import Threads
from ihas_service.http.middleware.concurrency_limiter import ConcurrencyLimiter, Permit
from ihas_service.http.policy import RoutePolicy, Shedding
from ihas_service.http.problems import http_problem, known_problem
from ihas_service.settings import Settings

MAX_PATHS = 1_000
LONG_ITERATION = 0.2
"""Share of the time that a request may wait, from which an iteration of the event loop counts as long."""


class LoadSheddingMiddleware:
    """Gives requests their permits, or refuses them (ASGI); reads the route's policy at `scope["state"]["policy"]`."""

    def __init__(self, app: ASGIApp, settings: Settings, threads: Threads) -> None:
        self._app, self._threads = app, threads
        self._long: set[str] = set()
        models = ConcurrencyLimiter(settings.max_answers_at_once, settings.max_wait_s, LONG_ITERATION * settings.max_wait_s)
        others = ConcurrencyLimiter(settings.max_requests_at_once, settings.max_wait_s)
        self._limiters = {Shedding.MODELS: models, Shedding.OTHERS: others, Shedding.NEVER: None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] != "http" or (limiter := self._limiter(scope)) is None:
            await self._app(scope, receive, send)
            return
        body = Body(receive)
        try:
            await body.read()
            came_at = time.perf_counter()
            if scope["path"] in self._long:
                self._threads.check()
            permit = scope["state"]["permit"] = Permit(limiter, came_at, await limiter.acquire(came_at))
        except HTTPException as error:
            await http_problem(scope, error.status_code, error.detail, error.headers)(scope, receive, send)
            return
        except OverloadError as error:
            await known_problem(scope, error)(scope, receive, send)
            return
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._remember(scope["path"], permit.released)
            permit.release()

    def _remember(self, path: str, took_long: bool) -> None:
        """Whether the last answer at a path took a thread, so that the next one is refused before it is parsed where there is none."""
        if not took_long:
            self._long.discard(path)
        elif path not in self._long:
            if len(self._long) >= MAX_PATHS:
                self._long.clear()
            self._long.add(path)

    def _limiter(self, scope: Scope) -> ConcurrencyLimiter | None:
        route: RoutePolicy = scope["state"]["policy"]
        return self._limiters[route.shedding]


class Body:
    """A request's body, read before a permit is acquired, so that a slow client holds none."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: deque[Message] = deque()

    async def read(self) -> None:
        """Read all of it; the middleware outside limits its size."""
        more = True
        while more:
            message = await self._receive()
            self._read.append(message)
            more = message.get("more_body", False)

    async def receive(self) -> Message:
        """The next part."""
        return self._read.popleft() if self._read else await self._receive()
