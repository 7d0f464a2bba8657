"""The API as a uvicorn server."""

from __future__ import annotations

import asyncio
import errno
import gc
import math
import resource
import signal
import socket
from types import FrameType
from typing import Any

import structlog
import uvicorn

from ihas_service.app import create_app
from ihas_service.auth.exposure import SAID, check_exposure
from ihas_service.http.dependencies import AppState
from ihas_service.http.protocol import Guard, GuardedConfig, GuardedProtocol, Seldom
from ihas_service.settings import Settings

LOG = structlog.get_logger(__name__)
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
SHARE_OF_FILES = (2, 3)
LOOK_S = 0.1
KEEP_ALIVE_S = 75
"""Seconds for which an idle connection is kept: more than the minute after which balancers usually close theirs. If the service closed
first, a request that is on its way just then would be lost. How many are held is limited all the same."""


class Server(uvicorn.Server):
    """uvicorn with limits on connections that drains: first it is not ready, while all is answered; then it closes its address; streams of
    events and long polls end then, so that they hold up nothing, and what runs is given time."""

    def __init__(self, settings: Settings, *, drains: bool = False) -> None:
        """
        Args:
            drains: whether others look at `/readyz` before they send requests here, and are given time to see it after SIGTERM.
        """
        check_exposure(settings)
        if settings.access == "local":
            LOG.info(SAID, host=settings.host)
        app = create_app(settings)
        parts: AppState = app.state.parts
        self._parts, self._drains = parts, drains
        self._accept_errors = Seldom("connections cannot be accepted")
        self._asked_to_drain = False
        config = GuardedConfig(
            app,
            host=settings.host,
            port=settings.port,
            loop="asyncio",  # uvloop accepts one connection a turn: new clients would starve under load
            http=GuardedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(settings.drain_s),
        )
        config.guard = Guard(settings, connections_of(settings.max_connections), parts.draining)
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        await super().startup(sockets)
        if self._parts.settings.dashboard and self.started:
            LOG.info("the dashboard is in a browser", url=self._address())

    def _address(self) -> str:
        """Where the API listens, as a browser writes it."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal stops at once to drain."""
        self._asked_to_drain = self._drains and sig == signal.SIGTERM and not self.should_exit
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain where that was asked for, take no more requests and let the running ones end."""
        self._parts.draining.set()
        for connection in self.server_state.connections:
            if isinstance(connection, GuardedProtocol):
                connection.end_with_answer()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._parts.settings.drain_s
        while self._asked_to_drain and loop.time() < end:
            await asyncio.sleep(LOOK_S)
        self._parts.shutdown.set()
        await super().shutdown(sockets)

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """asyncio reports every connection that it cannot accept, thousands a second."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in NO_MORE_FILES and "accept" in str(context.get("message")):
            self._accept_errors.tell(error=str(error))
        else:
            loop.default_exception_handler(context)


def connections_of(wanted: int) -> int:
    """Connections that a process may hold: those that are wanted, at most a share of the files that it may open, which is raised first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    share, of = SHARE_OF_FILES
    needed = wanted * of // share + 1
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft * share // of))


def keep_for_good() -> None:
    """Never look again for garbage among what there is now; from now on look for it."""
    gc.collect()
    gc.freeze()
    gc.enable()
