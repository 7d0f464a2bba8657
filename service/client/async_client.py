"""The asynchronous client."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from ihas_service.client.endpoints import Endpoints
from ihas_service.client.event_file import EventColumns, batches
from ihas_service.client.event_transfer import Imported, broken_off, export_request, misread, told
from ihas_service.client.older_services import current
from ihas_service.client.retries import BUSY, TRIES, final, repeatable, unreachable, wait_s
from ihas_service.client.transfer import (
    AS_THEY_ARE,
    CHECKED,
    CHUNK,
    FINISHED,
    POLL_S,
    Document,
    FileParts,
    Sent,
    check_time,
    digest_header,
    give_up_on,
    headers_of,
    listening,
    whole,
)
from ihas_service.errors import InvalidError, ServiceError
from ihas_service.states import with_stage


class AsyncClient(Endpoints[Coroutine[Any, Any, Document], Coroutine[Any, Any, str]]):
    """The same, awaited; see `Client`."""

    def __init__(self, url: str, patience_s: float = 30.0, api_key: str | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=patience_s, headers=headers_of(api_key))
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def document(self, method: str, path: str, **options: Any) -> Document:
        """Send a request; its JSON document."""
        return current(path, (await self.send(method, path, **options)).json())

    async def text(self, method: str, path: str, **options: Any) -> str:
        """Send a request; its text."""
        return (await self.send(method, path, **options)).text

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, again where that is safe; an answer that is no error."""
        tries = TRIES if repeatable(method, path, options.get("headers") or {}) else 1
        for attempt in range(tries):
            last = attempt + 1 == tries
            answer = None
            try:
                answer = await self._http.request(method, path, **options)
                if answer.status_code not in BUSY or last:
                    return final(answer)
            except httpx.TransportError as error:
                if last:
                    raise unreachable(error) from error
            await asyncio.sleep(wait_s(attempt, answer))
        raise AssertionError("the last try returns or raises")

    async def upload(self, dataset_id: str, path: Path) -> Document:
        """Send a file with its digest."""
        content = FileParts(path).awaited()
        return await self.document("PUT", f"/v1/datasets/{dataset_id}/content", content=content, headers=digest_header(path))

    async def append(self, dataset_id: str, path: Path, key: str | None = None, **query: str) -> Document:
        """See `Client.append`."""
        headers = digest_header(path) | ({} if key is None else {"idempotency-key": key})
        parts = FileParts(path)
        return await self.document("POST", f"/v1/datasets/{dataset_id}/append", content=parts.awaited(), headers=headers, params=query)

    async def batch_rows(self, batch_id: str, path: Path) -> int:
        """See `Client.batch_rows`."""
        async with self._http.stream("GET", f"/v1/batches/{batch_id}/rows") as answer:
            if answer.is_error:
                await answer.aread()
            final(answer)
            with whole(path) as file:
                return sum([file.write(part) async for part in answer.aiter_bytes(CHUNK)])

    async def wait_batch(self, batch_id: str, within_s: float = math.inf) -> Document:
        """See `Client.wait_batch`."""
        return await _wait(lambda: self.batch(batch_id), FINISHED, within_s, f"batch {batch_id} to end.")

    async def wait_dataset_version(self, dataset_id: str, version: int, within_s: float = math.inf) -> Document:
        """See `Client.wait_dataset_version`."""
        what = f"version {version} of data set {dataset_id} to be checked."
        return await _wait(lambda: self.dataset_version(dataset_id, version), CHECKED, within_s, what)

    async def export_events(self, name: str, path: Path, **asked: Any) -> Document:
        """As `Client.export_events`."""
        try:
            async with self._http.stream(**export_request(name, asked)) as response:
                if response.is_error:
                    await response.aread()
                final(response)
                with whole(path) as file:
                    async for piece in response.aiter_bytes():
                        file.write(piece)
                return told(response, path)
        except httpx.TransportError as error:
            raise broken_off(error) from error

    async def import_events(self, path: Path, columns: EventColumns = AS_THEY_ARE, sent: Sent = lambda _: None) -> Document:
        """As `Client.import_events`."""
        done = Imported()
        for batch in batches(path, columns):
            try:
                done.add(batch, await self.report_events(batch.rows))
            except InvalidError as error:
                raise misread(batch, error) from error
            sent(len(batch.rows))
        return done.document

    async def wait_dataset(self, dataset_id: str, within_s: float = math.inf) -> Document:
        """The data set once it is valid or invalid; WaitTimeoutError where it was neither, within the time."""
        return await _wait(lambda: self.dataset(dataset_id), CHECKED, within_s, f"data set {dataset_id} to be checked.")

    async def search(self, search_id: str, wait_s: float = 0.0) -> Document:
        """One search; with `wait_s`, once it has finished or the time is over."""
        return await self.document("GET", f"/v1/searches/{search_id}", params={"wait": wait_s}, timeout=wait_s + self._patience_s)

    async def events(self, search_id: str, after: int = 0, within_s: float = math.inf) -> AsyncIterator[Document]:
        """Every event until the search has finished, across broken connections; errors as in `Client.events`."""
        seen, state, away_since, end = after, "", None, time.monotonic() + within_s
        while True:
            check_time(end, f"search {search_id} to finish.")
            try:
                async for event in self._stream(search_id, seen, end):
                    seen, state, away_since = event["id"], event["state"], None
                    yield event
                if (state in FINISHED or state == "") and (await self.search(search_id))["state"] in FINISHED:
                    return
            except (httpx.TransportError, ServiceError) as error:
                away_since = away_since or time.monotonic()
                give_up_on(error, away_since, self._patience_s)
            await asyncio.sleep(POLL_S)

    async def _stream(self, search_id: str, seen: int, end: float) -> AsyncIterator[Document]:
        async with self._http.stream("GET", **listening(search_id, seen, end)) as response:
            if response.is_error:
                await response.aread()
                final(response)
            async for line in response.aiter_lines():
                if time.monotonic() > end:
                    return
                if line.startswith("data: "):
                    yield with_stage(json.loads(line.removeprefix("data: ")))


async def _wait(read: Callable[[], Awaitable[Document]], ended: Collection[str], within_s: float, what: str) -> Document:
    """What is read, once its state is one of `ended`."""
    end = time.monotonic() + within_s
    while (found := await read())["state"] not in ended:
        check_time(end, what)
        await asyncio.sleep(POLL_S)
    return found
