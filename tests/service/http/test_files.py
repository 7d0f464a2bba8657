"""Files as answers: whole, or gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message

from ihas_service.errors import UnknownIdError
from ihas_service.http.files import WholeFile, still_there


async def answer(path: Path, **headers: str) -> httpx.Response:
    """The answer of an application that sends the file whatever is asked."""

    async def send(_: Request) -> WholeFile:
        return WholeFile(path, "text/plain")

    transport = httpx.ASGITransport(Starlette(routes=[Route("/", send)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get("/", headers=headers)


@pytest.mark.parametrize("asked", ["bytes=9-1", "bytes=0-", "bytes=0-" + "9" * 5_000, "bytes=" + "0-," * 500, "bytes=-0", "lines=1"])
def test_a_file_comes_whole(tmp_path: Path, asked: str) -> None:
    """Whatever range is asked for, which also saves refusals that are no problem documents."""
    (tmp_path / "report").write_text("text")
    found = asyncio.run(answer(tmp_path / "report", range=asked))

    assert (found.status_code, found.text, found.headers["accept-ranges"]) == (200, "text", "none")


def test_a_file_that_is_gone_is_not_found(tmp_path: Path) -> None:
    """404 with a problem document: its search was deleted between the look and the reading."""
    found = asyncio.run(answer(tmp_path / "report"))

    assert (found.status_code, found.headers["content-type"]) == (404, "application/problem+json")
    with pytest.raises(UnknownIdError, match="deleted meanwhile"), still_there():
        (tmp_path / "report").read_bytes()


def test_a_file_that_goes_while_it_is_sent_comes_whole(tmp_path: Path) -> None:
    """What was opened is there until it is closed, in pieces however large."""
    path, sent = tmp_path / "report", list[bytes]()
    path.write_bytes(bytes(range(256)) * 1_000)
    whole = path.read_bytes()

    async def take(message: Message) -> None:
        path.unlink(missing_ok=True)
        sent.append(message.get("body", b""))

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    asyncio.run(WholeFile(path, "text/plain")({"type": "http", "path": "/"}, nothing, take))
    assert b"".join(sent) == whole
    assert len(sent) > 2
