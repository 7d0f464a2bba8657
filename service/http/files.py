"""Files as answers, which somebody may delete while they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from service.errors import UnknownIdError
from service.http.problems import http_problem

RANGE = frozenset({b"range", b"if-range"})
GONE = "The file was deleted meanwhile."


class WholeFile(FileResponse):
    """A file, whole: a server may pass over `Range` (RFC 9110, 14.2), which would have refusals of its own form; 404 where it is gone."""

    def __init__(self, path: str | Path, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(path, headers={**(headers or {}), "accept-ranges": "none"}, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        try:
            self.stat_result = await run_in_threadpool(os.stat, self.path)
        except FileNotFoundError:
            await http_problem(scope, 404, GONE)(scope, receive, send)
            return
        self.set_stat_headers(self.stat_result)
        headers = [pair for pair in scope["headers"] if pair[0] not in RANGE]
        await super().__call__({**scope, "headers": headers}, receive, send)


@contextmanager
def still_there() -> Iterator[None]:
    """Read a file of which a look has said that it is there.

    Raises:
        UnknownIdError: it is gone.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UnknownIdError(GONE) from error
