"""What surrounds every request: its id, the limit of its body, its metrics, its line in the log, and an answer to every error."""

from __future__ import annotations

import re
import sys
import time

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ihas_service.http.policy import RoutePolicies, RoutePolicy
from ihas_service.http.problems import http_problem
from ihas_service.ids import RANDOM
from ihas_service.observability.metrics import Metrics
from ihas_service.observability.tracing import HEADER, TRACEPARENT
from ihas_service.settings import Settings

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLIENT_LEFT = 499
MAX_DIGITS = 18
LOG = structlog.get_logger(__name__)


class RequestLogMiddleware:
    """Logs and counts every request, and finds its route's policy for the middleware inside (ASGI)."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, policies: RoutePolicies) -> None:
        self._app, self._settings, self._metrics, self._policies = app, settings, metrics, policies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            policy = scope.setdefault("state", {})["policy"] = self._policies.find(scope["method"], scope["path"])
            await Exchange(scope, receive, send, self._limit(policy)).answer(self._app, self._metrics)
        else:
            await self._app(scope, receive, send)

    def _limit(self, policy: RoutePolicy) -> int:
        return self._settings.max_upload_bytes if policy.max_body is None else min(policy.max_body, self._settings.max_request_bytes)


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        self.request_id = asked if REQUEST_ID.fullmatch(asked) else RANDOM.hex(16)
        trace = TRACEPARENT.fullmatch(headers.get(HEADER, ""))
        self.trace = {} if trace is None else {"trace_id": trace["trace"], "parent_id": trace["parent"]}
        self.length = _length(headers.get("content-length", "0"))
        self.scope, self.limit = scope, limit
        self.status, self.received, self.latency = 0, 0, 0.0
        self._receive, self._send = receive, send
        self._began = time.perf_counter()
        scope["state"]["request_id"] = self.request_id

    async def answer(self, app: ASGIApp, metrics: Metrics) -> None:
        """Let `app` answer, then log and count the request."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=self.request_id, **self.trace)
        try:
            await self._answer(app)
        finally:
            metrics.observe(self.scope, self.status, self.latency)
            seconds = round(time.perf_counter() - self._began, 4)
            LOG.info("request", method=self.scope["method"], path=self.scope["path"], status=self.status, seconds=seconds)

    async def _answer(self, app: ASGIApp) -> None:
        try:
            if self.length > self.limit:
                await self._refuse(413, self._too_large(), {"connection": "close"})
            else:
                await app(self.scope, self.receive, self.send)
        except ClientDisconnect:
            self.status = self.status or CLIENT_LEFT
        except Exception:
            LOG.exception("unexpected error")
            if self.status:
                raise
            await self._refuse(500, "The service failed. Look for the request's id in its log.")

    async def receive(self) -> Message:
        """The next part of the body, as long as it is within the limit."""
        message = await self._receive()
        self.received += len(message.get("body", b""))
        if self.received > self.limit:
            raise HTTPException(413, self._too_large(), {"connection": "close"})
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer, which carries the request's name."""
        if message["type"] == "http.response.start":
            self.status, self.latency = message["status"], time.perf_counter() - self._began
            MutableHeaders(scope=message)["x-request-id"] = self.request_id
        await self._send(message)

    async def _refuse(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        await http_problem(self.scope, status, detail, headers)(self.scope, self.receive, self.send)

    def _too_large(self) -> str:
        return f"The body is larger than {self.limit} bytes, the limit of this route. Send less at once."


def _length(said: str) -> int:
    """Bytes that a body says it has; of a number that no body has, more than any limit."""
    digits = said.lstrip("0")
    return sys.maxsize if len(digits) > MAX_DIGITS else int(digits) if digits.isdecimal() else 0
