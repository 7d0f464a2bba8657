"""The client of the service; `AsyncClient` has the same methods, asynchronous ones."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from ihas_service.client.async_client import AsyncClient
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
    parts_of,
    whole,
)
from ihas_service.errors import InvalidError, ServiceError
from ihas_service.states import with_stage

__all__ = ["AsyncClient", "Client"]


class Client(Endpoints[Document, str]):
    """Client of the service at `url`; errors are raised as `ServiceError` with the problem document.

    Requests that may be repeated (`ihas_service.client.retries`) are sent again if the service is busy or unreachable.

    Args:
        url: for example `http://127.0.0.1:8000`.
        patience_s: seconds to wait for an answer, and for a service that went away to come back.
        api_key: key, or token of an OpenID provider; None where the service asks for none.
    """

    def __init__(self, url: str, patience_s: float = 30.0, api_key: str | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=patience_s, headers=headers_of(api_key))
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
                check_time(end, f"the service to be ready. {unreachable(error)}")
            except ServiceError as error:
                check_time(end, f"the service to be ready. {error}")
            time.sleep(POLL_S)

    def upload(self, dataset_id: str, path: Path, sent: Sent = lambda _: None) -> Document:
        """Send a file with its digest; `sent` hears of every part's bytes."""
        return self.document("PUT", f"/v1/datasets/{dataset_id}/content", content=parts_of(path, sent), headers=digest_header(path))

    def append(self, dataset_id: str, path: Path, key: str | None = None, sent: Sent = lambda _: None, **query: str) -> Document:
        """Append the rows of a file to a data set: its next version; `key` makes a repetition the same version, `query` is `format`."""
        headers = digest_header(path) | ({} if key is None else {"idempotency-key": key})
        return self.document("POST", f"/v1/datasets/{dataset_id}/append", content=FileParts(path, sent), headers=headers, params=query)

    def batch_rows(self, batch_id: str, path: Path) -> int:
        """Write the answers of a batch that succeeded into a file, as they come; its bytes."""
        with self._http.stream("GET", f"/v1/batches/{batch_id}/rows") as answer, whole(path) as file:
            if answer.is_error:
                answer.read()
            final(answer)
            return sum(file.write(part) for part in answer.iter_bytes(CHUNK))

    def wait_batch(self, batch_id: str, within_s: float = math.inf) -> Document:
        """The batch once it has ended.

        Raises:
            WaitTimeoutError: it has not, within the time.
        """
        return _wait(lambda: self.batch(batch_id), FINISHED, within_s, f"batch {batch_id} to end.")

    def wait_dataset_version(self, dataset_id: str, version: int, within_s: float = math.inf) -> Document:
        """The version once it is valid or invalid.

        Raises:
            WaitTimeoutError: it was neither, within the time.
        """
        what = f"version {version} of data set {dataset_id} to be checked."
        return _wait(lambda: self.dataset_version(dataset_id, version), CHECKED, within_s, what)

    def export_events(self, name: str, path: Path, **asked: Any) -> Document:
        """Save what a model showed as rows.

        `asked` is `format`, `since`, `until`, `as_of`, `window_s`, `positive`, `open`, `details` and `version`.
        """
        try:
            with self._http.stream(**export_request(name, asked)) as response:
                if response.is_error:
                    response.read()
                final(response)
                with whole(path) as file:
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
                done.add(batch, self.report_events(batch.rows))
            except InvalidError as error:
                raise misread(batch, error) from error
            sent(len(batch.rows))
        return done.document

    def wait_dataset(self, dataset_id: str, within_s: float = math.inf) -> Document:
        """The data set once it is valid or invalid.

        Raises:
            WaitTimeoutError: it was neither, within the time.
        """
        return _wait(lambda: self.dataset(dataset_id), CHECKED, within_s, f"data set {dataset_id} to be checked.")

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
            check_time(end, f"search {search_id} to finish.")
            try:
                for event in self._stream(search_id, seen, end):
                    seen, state, away_since = event["id"], event["state"], None
                    yield event
                if (state in FINISHED or state == "") and self.search(search_id)["state"] in FINISHED:
                    return
            except (httpx.TransportError, ServiceError) as error:
                away_since = away_since or time.monotonic()
                give_up_on(error, away_since, self._patience_s)
            time.sleep(POLL_S)

    def _stream(self, search_id: str, seen: int, end: float) -> Iterator[Document]:
        """Events until the stream ends or breaks; a line after `end` breaks it."""
        with self._http.stream("GET", **listening(search_id, seen, end)) as response:
            if response.is_error:
                response.read()
                final(response)
            for line in response.iter_lines():
                if time.monotonic() > end:
                    return
                if line.startswith("data: "):
                    yield with_stage(json.loads(line.removeprefix("data: ")))


def _wait(read: Callable[[], Document], ended: Collection[str], within_s: float, what: str) -> Document:
    """What is read, once its state is one of `ended`."""
    end = time.monotonic() + within_s
    while (found := read())["state"] not in ended:
        check_time(end, what)
        time.sleep(POLL_S)
    return found
