"""The API as a uvicorn server."""

from __future__ import annotations

import asyncio
import gc
import math
import socket

import structlog
import uvicorn

from service.app import create_app
from service.auth.exposure import SAID, check_exposure
from service.http.dependencies import AppState
from service.settings import Settings

LOG = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """uvicorn server that ends event streams and long polls as soon as it begins to stop."""

    def __init__(self, settings: Settings) -> None:
        check_exposure(settings)
        if settings.access == "local":
            LOG.info(SAID, host=settings.host)
        app = create_app(settings)
        parts: AppState = app.state.parts
        self._waiting: asyncio.Event = parts.shutdown
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="asyncio",  # uvloop accepts one connection a turn: new clients would starve under load
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=math.ceil(settings.drain_s),
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more requests and let running ones end."""
        self._waiting.set()
        await super().shutdown(sockets)


def keep_for_good() -> None:
    """Never look again for garbage among what there is now; from now on look for it."""
    gc.collect()
    gc.freeze()
    gc.enable()
