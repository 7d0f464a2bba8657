"""A real server on a loopback port."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from ihas_service.api import Server
from ihas_service.settings import Settings
from tests.clock import HANG_S


class LiveServer:
    """The API in a thread, and a client of it; stopped at the end of the `with` block.

    Attributes:
        settings: what it was made with.
        url: where it answers.
        http: sends requests to it.
    """

    def __init__(self, settings: Settings, port: int = 0) -> None:
        self.settings = settings
        self.server = Server(settings.model_copy(update={"port": port}))
        self._thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> LiveServer:
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive(), "The server ended before it answered."
            time.sleep(0.005)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=HANG_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop it."""
        self.server.should_exit = True
        self._thread.join()
        self.http.close()

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The document that a request must be answered with."""
        response = self.http.request(method, path, **options)
        assert response.is_success, response.text
        return response.json()
