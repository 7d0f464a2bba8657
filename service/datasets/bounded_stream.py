"""A connection that ends when a fetch must: whatever the other side sends, and however slowly, header or body."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

import httpcore

from ihas_service.errors import FetchError


class Deadline:
    """The time that a fetch has, from now on."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            FetchError: none.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise FetchError(f"Fetching the file took longer than {self._seconds:g} s (IHAS_FETCH_S). Upload it instead.")
        return left

    def within(self, timeout: float | None) -> float:
        """The shorter of a timeout and what is left."""
        left = self.left()
        return left if timeout is None else min(timeout, left)


class Bounded(httpcore.NetworkStream):
    """A stream of which every step keeps to the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See `httpcore.NetworkStream`."""
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See `httpcore.NetworkStream`."""
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        """See `httpcore.NetworkStream`."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """See `httpcore.NetworkStream`."""
        return Bounded(self._stream.start_tls(ssl_context, server_hostname, self._deadline.within(timeout)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """See `httpcore.NetworkStream`."""
        return self._stream.get_extra_info(info)
