"""Files as answers, which somebody may delete while they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ihas_service.errors import UnknownIdError
from ihas_service.http.problems import http_problem

PIECE_BYTES = 2**16
GONE = "The file was deleted meanwhile."


class WholeFile(Response):
    """A file, opened before anything is sent: 404 where it is gone, and whole where it goes meanwhile.

    A server may pass over `Range` (RFC 9110, 14.2), which would have refusals of its own form.
    """

    def __init__(self, path: str | Path, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.path, self.media_type, self.status_code, self.background = path, media_type, 200, None
        self.init_headers({**(headers or {}), "accept-ranges": "none"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        try:
            file = await anyio.open_file(self.path, "rb")
        except FileNotFoundError:
            await http_problem(scope, 404, GONE)(scope, receive, send)
            return
        async with file:
            left = os.fstat(file.wrapped.fileno()).st_size
            self.headers["content-length"] = str(left)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while left > PIECE_BYTES and (piece := await file.read(PIECE_BYTES)):
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": await file.read(left)})


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
