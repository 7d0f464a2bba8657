"""Clients of the service: `Client` is synchronous, `AsyncClient` asynchronous; both have the same methods."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from ihas.folders import file_digest
from service.client.endpoints import Endpoints
from service.client.event_file import EventColumns, batches
from service.client.event_transfer import Imported, broken_off, export_request, misread, saved, told
from service.client.older_services import current
from service.client.retries import BUSY, TRIES, final, repeatable, unreachable, wait_s
from service.errors import InvalidError, ServiceError, WaitTimeoutError
from service.states import TERMINAL, with_stage

FINISHED = frozenset(map(str, TERMINAL))
CHECKED = frozenset({"valid", "invalid"})
POLL_S = 0.2
QUIET_S = 60.0
CHUNK = 2**20
AS_THEY_ARE = EventColumns()
Document = dict[str, Any]
Sent = Callable[[int], object]


def _headers(api_key: str | None) -> dict[str, str]:
    return {} if api_key is None else {"authorization": f"Bearer {api_key}"}


class Client(Endpoints[Document, str]):
    """Client of the service at `url`; errors are raised as `ServiceError` with the problem document.

    Requests that may be repeated (`service.client.retries`) are sent again if the service is busy or unreachable.

    Args:
        url: for example `http://127.0.0.1:8000`.
        patience_s: seconds to wait for an answer, and for a service that went away to come back.
        api_key: key, or token of an OpenID provider; None where the service asks for none.
    """

    def __init__(self, url: str, patience_s: float = 30.0, api_key: str | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=patience_s, headers=_headers(api_key))
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def document(self, method: str, path: str, **options: Any) -> Document:
        """Send a request; its JSON document."""
        return current(path, self.send(method, path, **options).json())

    def text(self, method: str, path: str, **options: Any) -> str:
        """Send a request; its text."""
        return self.send(method, path, **options).text

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, again where that is safe; an answer that is no error."""
        tries = TRIES if repeatable(method, path, options.get("headers") or {}) else 1
        for attempt in range(tries):
            last = attempt + 1 == tries
            answer = None
            try:
                answer = self._http.request(method, path, **options)
                if answer.status_code not in BUSY or last:
                    return final(answer)
            except httpx.TransportError as error:
                if last:
                    raise unreachable(error) from error
            time.sleep(wait_s(attempt, answer))
        raise AssertionError("the last try returns or raises")

    def wait_ready(self, within_s: float = 30.0) -> None:
        """Wait for the service to be ready.

        Raises:
            WaitTimeoutError: it was not, within the time.
        """
        end = time.monotonic() + within_s
        while True:
            try:
                final(self._http.request("GET", "/readyz"))
                return
            except httpx.TransportError as error:
                _check_time(end, f"the service to be ready. {unreachable(error)}")
            except ServiceError as error:
                _check_time(end, f"the service to be ready. {error}")
            time.sleep(POLL_S)

    def upload(self, dataset_id: str, path: Path, sent: Sent = lambda _: None) -> Document:
        """Send a file with its digest; `sent` hears of every part's bytes."""
        return self.document("PUT", f"/v1/datasets/{dataset_id}/content", content=_parts(path, sent), headers=_digest(path))

    def export_events(self, name: str, path: Path, **asked: Any) -> Document:
        """Save what a model showed as rows.

        `asked` is `format`, `since`, `until`, `as_of`, `window_s`, `positive`, `open`, `details` and `version`.
        """
        try:
            with self._http.stream(**export_request(name, asked)) as response:
                if response.is_error:
                    response.read()
                final(response)
                with saved(path) as file:
                    for piece in response.iter_bytes():
                        file.write(piece)
                return told(response, path)
        except httpx.TransportError as error:
            raise broken_off(error) from error

    def import_events(self, path: Path, columns: EventColumns = AS_THEY_ARE, sent: Sent = lambda _: None) -> Document:
        """Report the events of a file, batch by batch; `sent` hears of every batch's rows. Imported again, nothing counts twice.

        Raises:
            DataError: a row is no event; says which.
        """
        done = Imported()
        for batch in batches(path, columns):
            try:
                done.add(batch, self.report_events(batch.events))
            except InvalidError as error:
                raise misread(batch, error) from error
            sent(len(batch.events))
        return done.document

    def wait_dataset(self, dataset_id: str, within_s: float = math.inf) -> Document:
        """The data set once it is valid or invalid.

        Raises:
            WaitTimeoutError: it was neither, within the time.
        """
        end = time.monotonic() + within_s
        while (dataset := self.dataset(dataset_id))["state"] not in CHECKED:
            _check_time(end, f"data set {dataset_id} to be checked.")
            time.sleep(POLL_S)
        return dataset

    def search(self, search_id: str, wait_s: float = 0.0) -> Document:
        """One search; with `wait_s`, once it has finished or the time is over."""
        return self.document("GET", f"/v1/searches/{search_id}", params={"wait": wait_s}, timeout=wait_s + self._patience_s)

    def events(self, search_id: str, after: int = 0, within_s: float = math.inf) -> Iterator[Document]:
        """Every event with a number above `after` until the search has finished, across broken connections.

        Raises:
            ServiceError: no such search, or the service stayed away for longer than the patience.
            WaitTimeoutError: the search did not finish within the time.
        """
        seen, state, away_since, end = after, "", None, time.monotonic() + within_s
        while True:
            _check_time(end, f"search {search_id} to finish.")
            try:
                for event in self._stream(search_id, seen, end):
                    seen, state, away_since = event["id"], event["state"], None
                    yield event
                if (state in FINISHED or state == "") and self.search(search_id)["state"] in FINISHED:
                    return
            except (httpx.TransportError, ServiceError) as error:
                away_since = away_since or time.monotonic()
                _give_up_on(error, away_since, self._patience_s)
            time.sleep(POLL_S)

    def _stream(self, search_id: str, seen: int, end: float) -> Iterator[Document]:
        """Events until the stream ends or breaks; a line after `end` breaks it."""
        with self._http.stream("GET", **_listening(search_id, seen, end)) as response:
            if response.is_error:
                response.read()
                final(response)
            for line in response.iter_lines():
                if time.monotonic() > end:
                    return
                if line.startswith("data: "):
                    yield with_stage(json.loads(line.removeprefix("data: ")))


class AsyncClient(Endpoints[Coroutine[Any, Any, Document], Coroutine[Any, Any, str]]):
    """The same, awaited; see `Client`."""

    def __init__(self, url: str, patience_s: float = 30.0, api_key: str | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=patience_s, headers=_headers(api_key))
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

        async def parts() -> AsyncIterator[bytes]:
            for part in _parts(path, lambda _: None):
                yield part

        return await self.document("PUT", f"/v1/datasets/{dataset_id}/content", content=parts(), headers=_digest(path))

    async def export_events(self, name: str, path: Path, **asked: Any) -> Document:
        """As `Client.export_events`."""
        try:
            async with self._http.stream(**export_request(name, asked)) as response:
                if response.is_error:
                    await response.aread()
                final(response)
                with saved(path) as file:
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
                done.add(batch, await self.report_events(batch.events))
            except InvalidError as error:
                raise misread(batch, error) from error
            sent(len(batch.events))
        return done.document

    async def wait_dataset(self, dataset_id: str, within_s: float = math.inf) -> Document:
        """The data set once it is valid or invalid; WaitTimeoutError where it was neither, within the time."""
        end = time.monotonic() + within_s
        while (dataset := await self.dataset(dataset_id))["state"] not in CHECKED:
            _check_time(end, f"data set {dataset_id} to be checked.")
            await asyncio.sleep(POLL_S)
        return dataset

    async def search(self, search_id: str, wait_s: float = 0.0) -> Document:
        """One search; with `wait_s`, once it has finished or the time is over."""
        return await self.document("GET", f"/v1/searches/{search_id}", params={"wait": wait_s}, timeout=wait_s + self._patience_s)

    async def events(self, search_id: str, after: int = 0, within_s: float = math.inf) -> AsyncIterator[Document]:
        """Every event until the search has finished, across broken connections; errors as in `Client.events`."""
        seen, state, away_since, end = after, "", None, time.monotonic() + within_s
        while True:
            _check_time(end, f"search {search_id} to finish.")
            try:
                async for event in self._stream(search_id, seen, end):
                    seen, state, away_since = event["id"], event["state"], None
                    yield event
                if (state in FINISHED or state == "") and (await self.search(search_id))["state"] in FINISHED:
                    return
            except (httpx.TransportError, ServiceError) as error:
                away_since = away_since or time.monotonic()
                _give_up_on(error, away_since, self._patience_s)
            await asyncio.sleep(POLL_S)

    async def _stream(self, search_id: str, seen: int, end: float) -> AsyncIterator[Document]:
        async with self._http.stream("GET", **_listening(search_id, seen, end)) as response:
            if response.is_error:
                await response.aread()
                final(response)
            async for line in response.aiter_lines():
                if time.monotonic() > end:
                    return
                if line.startswith("data: "):
                    yield with_stage(json.loads(line.removeprefix("data: ")))


def _listening(search_id: str, seen: int, end: float) -> Mapping[str, Any]:
    quiet_s = min(QUIET_S, max(POLL_S, end - time.monotonic()))
    headers = {"last-event-id": str(seen), "accept": "text/event-stream"}
    return {"url": f"/v1/searches/{search_id}/events", "headers": headers, "timeout": quiet_s}


def _parts(path: Path, sent: Sent) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part
            sent(len(part))


def _digest(path: Path) -> dict[str, str]:
    return {"content-length": str(path.stat().st_size), "x-content-sha256": file_digest(path)}


def _give_up_on(error: httpx.TransportError | ServiceError, away_since: float, patience_s: float) -> None:
    """Raise what will not pass: a refusal at once, an absence after a while."""
    if isinstance(error, ServiceError) and 400 <= error.status < 500:
        raise error
    if time.monotonic() - away_since > patience_s:
        raise unreachable(error) from error


def _check_time(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise WaitTimeoutError({"title": "Waited too long", "status": 0, "detail": f"It took too long for {what}"})
