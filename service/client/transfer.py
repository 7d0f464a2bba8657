"""What both clients share: files on their way, deadlines, the options of a stream."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from ihas.folders import file_digest
from ihas_service.client.event_file import EventColumns
from ihas_service.client.retries import unreachable
from ihas_service.errors import ServiceError, WaitTimeoutError
from ihas_service.states import TERMINAL

FINISHED = frozenset(map(str, TERMINAL))
CHECKED = frozenset({"valid", "invalid"})
POLL_S = 0.2
QUIET_S = 60.0
CHUNK = 2**20
AS_THEY_ARE = EventColumns()
Document = dict[str, Any]
Sent = Callable[[int], object]


def headers_of(api_key: str | None) -> dict[str, str]:
    """Headers that state a key, or a token."""
    return {} if api_key is None else {"authorization": f"Bearer {api_key}"}


def listening(search_id: str, seen: int, end: float) -> Mapping[str, Any]:
    """Options of a request for the events of a search behind `seen`, which reads until `end` (monotonic clock)."""
    quiet_s = min(QUIET_S, max(POLL_S, end - time.monotonic()))
    headers = {"last-event-id": str(seen), "accept": "text/event-stream"}
    return {"url": f"/v1/searches/{search_id}/events", "headers": headers, "timeout": quiet_s}


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears when the block ends well."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class FileParts:
    """A file's bytes, from the start each time that they are sent."""

    def __init__(self, path: Path, sent: Sent = lambda _: None) -> None:
        self._path, self._sent = path, sent

    def __iter__(self) -> Iterator[bytes]:
        return parts_of(self._path, self._sent)

    def awaited(self) -> _AwaitedParts:
        """The same, for an asynchronous client."""
        return _AwaitedParts(self)


class _AwaitedParts:
    def __init__(self, parts: FileParts) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


def parts_of(path: Path, sent: Sent) -> Iterator[bytes]:
    """A file's bytes; `sent` is told how many were taken."""
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part
            sent(len(part))


def digest_header(path: Path) -> dict[str, str]:
    """Headers that state a file's length and digest."""
    return {"content-length": str(path.stat().st_size), "x-content-sha256": file_digest(path)}


def give_up_on(error: httpx.TransportError | ServiceError, away_since: float, patience_s: float) -> None:
    """Raise what will not pass: a refusal at once, an absence after a while."""
    if isinstance(error, ServiceError) and 400 <= error.status < 500:
        raise error
    if time.monotonic() - away_since > patience_s:
        raise unreachable(error) from error


def check_time(end: float, what: str) -> None:
    """Check that there is time left until `end` (monotonic clock).

    Raises:
        WaitTimeoutError: there is none.
    """
    if time.monotonic() > end:
        raise WaitTimeoutError({"title": "Waited too long", "status": 0, "detail": f"It took too long for {what}"})
