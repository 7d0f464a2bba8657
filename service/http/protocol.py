"""Connections under limits: their number, the size of headers, and deadlines by which a request is whole and an answer is read.

uvicorn's protocol takes as many connections as there are, and waits for each of them for ever. Here a request's headers and its body have
a deadline each, which is armed only where a request does not come in one piece, so that usual requests pay nothing. Where there are too
many connections the one goes that has waited longest without a request, so that silent ones lock nobody out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from ihas_service.http.policy import KIB, RoutePolicy
from ihas_service.http.problems import http_problem
from ihas_service.ids import RANDOM
from ihas_service.settings import Settings

ENTRY_BYTES = 32
"""What a header costs beside its text, as HTTP/2 counts it (RFC 9113, 6.5.2)."""
FILE_RATE = KIB
"""Bytes a second that a file must bring, on average over `IHAS_BODY_TIMEOUT_S`."""
LINGER_S = 2.0
"""Seconds in which a client that was refused may read why, while what it still sends is thrown away."""
LOG = structlog.get_logger(__name__)


class Stage(Enum):
    """What of a request has come."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class Seldom:
    """Logs a kind of event at most once a second, with how often it happened."""

    def __init__(self, message: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._message, self._clock = message, clock
        self._told_at, self._count = -1.0, 0

    def tell(self, **values: Any) -> None:
        """It happened once more."""
        self._count += 1
        if self._told_at < 0.0 or self._clock() - self._told_at >= 1.0:
            LOG.warning(self._message, times=self._count, **values)
            self._told_at, self._count = self._clock(), 0


class Guard:
    """Limits of one server's connections, and those of them that have not asked yet.

    Attributes:
        draining: set when every answer is the last one on its connection.
    """

    def __init__(self, settings: Settings, max_connections: int, draining: asyncio.Event) -> None:
        """
        Args:
            max_connections: connections at the same time.
        """
        self.max_connections, self.draining = max_connections, draining
        self.max_header_bytes = settings.max_header_bytes
        self.header_s, self.body_s = settings.header_timeout_s, settings.body_timeout_s
        self.silent: dict[GuardedProtocol, None] = {}
        self._crowded = Seldom("too many connections")

    def make_room(self, newest: GuardedProtocol) -> None:
        """Close the connection that has waited longest, one that never asked before one that did; else refuse the newest."""
        self._crowded.tell(limit=self.max_connections)
        oldest = next((one for one in self.silent if one is not newest), None)
        oldest = oldest or min((one for one in newest.others() if one.idle), key=lambda one: one.answered_at, default=None)
        if oldest is None:
            newest.refuse(503, "Too many connections are open. Try again later.")
        else:
            oldest.drop()


class GuardedConfig(uvicorn.Config):
    """uvicorn's settings, with the guard of its connections."""

    guard: Guard


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: GuardedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard = config.guard
        self._stage, self._refused, self.answered_at = Stage.NOTHING, False, 0.0
        self._unseen = self._head_bytes = self.body_bytes = self._body_before = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is being answered, nor its body awaited."""
        return not self._refused and self.all_answered

    @property
    def all_answered(self) -> bool:
        """Whether the last request whose headers have come, if any, is answered."""
        return self.cycle is None or self.cycle.response_complete

    def end_with_answer(self) -> None:
        """Close once the request is answered that is being answered."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def others(self) -> list[GuardedProtocol]:
        """The server's other connections."""
        return [one for one in self.connections if isinstance(one, GuardedProtocol) and one is not self]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._guard.silent[self] = None
        self._deadline = self.loop.call_later(self._guard.header_s, self._head_is_late)
        if len(self.connections) > self._guard.max_connections:
            self._guard.make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._guard.silent.pop(self, None)
        self._end_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._refused:
            return
        self._unseen += len(data)
        super().data_received(data)
        if self._unseen > self._guard.max_header_bytes:
            self._refuse_headers()
        elif self._stage is not Stage.NOTHING and self._deadline is None:
            self._arm()

    def _arm(self) -> None:
        if self._refused:
            return
        if self._stage is Stage.HEAD:
            self._deadline = self.loop.call_later(self._guard.header_s, self._head_is_late)
        else:
            self._deadline = self.loop.call_later(self._guard.body_s, self.body_is_late)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_message_begin(self) -> None:
        """Parser's callback: a request begins."""
        if not self._refused:
            super().on_message_begin()
            self._stage, self._head_bytes = Stage.HEAD, 0

    def on_url(self, url: bytes) -> None:
        """Parser's callback: a part of the target."""
        self._head_bytes += len(url)
        if self._head_bytes <= self._guard.max_header_bytes and not self._refused:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser's callback: a header, or a trailer field of a chunked body, which is dropped.

        Trailer fields must not become headers (RFC 9110, 6.5.1): a proxy has checked the headers and passed the trailer on.
        """
        self._head_bytes += len(name) + len(value) + ENTRY_BYTES
        if self._head_bytes <= self._guard.max_header_bytes and not self._refused and self._stage is not Stage.BODY:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Parser's callback: all headers are here."""
        if self._refused:
            return
        if self._head_bytes > self._guard.max_header_bytes:
            self._refuse_headers()
            return
        if self.parser.get_http_version() == "1.1" and sum(name == b"host" for name, _ in self.headers) != 1:
            self.refuse(400, "A request must have one header `Host` (RFC 9112, 3.2). Send it once.")
            return
        self._guard.silent.pop(self, None)
        super().on_headers_complete()
        self._stage, self._unseen, self.body_bytes, self._body_before = Stage.BODY, 0, 0, 0
        self._end_deadline()
        if self._guard.draining.is_set():
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Parser's callback: a part of the body."""
        if not self._refused:
            self._unseen, self.body_bytes = 0, self.body_bytes + len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Parser's callback: the request is whole."""
        if not self._refused:
            self._stage, self._unseen = Stage.NOTHING, 0
            self._end_deadline()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """uvicorn's callback: an answer was given."""
        self.answered_at = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused as everything else is."""
        self.refuse(400, msg)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked; whoever does not read the last answer either is left."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self._guard.body_s, self.transport.abort)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._guard.body_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _head_is_late(self) -> None:
        self._deadline = None
        if self._stage is Stage.NOTHING:
            self.drop()
        else:
            self.refuse(408, f"The headers did not come within {self._guard.header_s:g} s. Send the request again.")

    def body_is_late(self) -> None:
        """A body must be whole; a file must only go on; who is not read may wait."""
        self._deadline = None
        state = self.cycle.scope.get("state") or {}
        policy: RoutePolicy | None = state.get("policy")
        is_file = policy is not None and policy.max_body is None
        goes_on = is_file and self.body_bytes - self._body_before >= FILE_RATE * self._guard.body_s
        if goes_on or (self.flow.read_paused and not self.cycle.response_complete):
            self._body_before = self.body_bytes
            self._arm()
        else:
            self.refuse(408, f"The body did not come within {self._guard.body_s:g} s. Send the request again.")

    def _refuse_headers(self) -> None:
        limit = self._guard.max_header_bytes
        self.refuse(431, f"The headers are larger than {limit} bytes, each counted with {ENTRY_BYTES} more. Send fewer.")

    def drop(self) -> None:
        """Close the connection without a word."""
        self._refused = True
        self._guard.silent.pop(self, None)
        self.connections.discard(self)
        self.transport.abort()

    def refuse(self, status: int, detail: str) -> None:
        """Answer a request that has not come as it should, and close.

        No request is answered twice, and none is told what belongs to another: where the request has its answer already, or another one's
        answer has begun, the connection is only closed; where the request before it is being answered still, once that is done.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._guard.silent.pop(self, None)
        self._end_deadline()
        if self._stage is not Stage.BODY and not self.all_answered:
            self.end_with_answer()  # the request before this one
            return
        too_late = self._stage is Stage.BODY and (self.all_answered or self.cycle.response_started or bool(self.pipeline))
        self._stop_answering()
        if too_late:
            self.transport.abort()
            return
        LOG.info("refused", status=status, detail=detail)
        self.transport.write(_answer(status, detail))
        self._linger()

    def _stop_answering(self) -> None:
        """Let whatever answers requests of this connection know that nobody listens."""
        self.pipeline.clear()
        if not self.all_answered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _linger(self) -> None:
        """Let the client read the answer before what it still sends makes the system break the connection off."""
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)


def _answer(status: int, detail: str) -> bytes:
    request_id = RANDOM.hex(16)
    headers = {"connection": "close", "x-request-id": request_id}
    answer = http_problem({"path": "", "state": {"request_id": request_id}}, status, detail, headers)
    lines = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
    return STATUS_LINE[status] + lines + b"\r\n" + bytes(answer.body)
