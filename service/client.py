"""A small client of the service, for the command line."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from service.errors import ServiceError, WaitTimeoutError

FINISHED = frozenset({"succeeded", "failed", "cancelled"})
CHECKED = frozenset({"valid", "invalid"})
POLL_S = 0.2
QUIET_S = 60.0
Document = dict[str, Any]


class Client:
    """Speaks to the service at `url`; every refusal is a `ServiceError` with the problem document.

    Args:
        url: for example `http://127.0.0.1:8000`.
        patience_s: seconds to wait for an answer, and for a service that went away to come back.
    """

    def __init__(self, url: str, patience_s: float = 30.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=patience_s)
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def wait_ready(self, within_s: float = 30.0) -> None:
        """Wait for the service to be ready.

        Raises:
            WaitTimeoutError: it was not, within the time.
        """
        end = time.monotonic() + within_s
        while True:
            try:
                self._document("GET", "/readyz")
                return
            except ServiceError as error:
                _check_time(end, f"the service to be ready. {error}")
            time.sleep(POLL_S)

    def create_dataset(self, name: str, **reading: Any) -> Document:
        """Create a data set; `reading` is `format`, `delimiter`, `columns` and `path`."""
        return self._document("POST", "/v1/datasets", json={"name": name, **reading})

    def upload(self, dataset_id: str, path: Path) -> Document:
        """Send a file."""
        with path.open("rb") as file:
            return self._document("PUT", f"/v1/datasets/{dataset_id}/content", content=file)

    def dataset(self, dataset_id: str) -> Document:
        """One data set."""
        return self._document("GET", f"/v1/datasets/{dataset_id}")

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

    def data_report(self, dataset_id: str) -> Document:
        """What the check of a data set found."""
        return self._document("GET", f"/v1/datasets/{dataset_id}/report")

    def create_search(self, name: str, dataset_id: str, key: str | None = None, **settings: Any) -> Document:
        """Submit a search; `settings` is `learning` and `run`, `key` makes a repetition the same search."""
        headers = {} if key is None else {"idempotency-key": key}
        return self._document("POST", "/v1/searches", json={"name": name, "dataset_id": dataset_id, **settings}, headers=headers)

    def search(self, search_id: str, wait_s: float = 0.0) -> Document:
        """One search; with `wait_s`, once it has finished or the time is over."""
        return self._document("GET", f"/v1/searches/{search_id}", params={"wait": wait_s}, timeout=wait_s + self._patience_s)

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
                self._give_up_on(error, away_since)
            time.sleep(POLL_S)

    def cancel(self, search_id: str) -> Document:
        """Stop a search."""
        return self._document("POST", f"/v1/searches/{search_id}/cancel")

    def resume(self, search_id: str) -> Document:
        """Queue a failed or cancelled search again."""
        return self._document("POST", f"/v1/searches/{search_id}/resume")

    def result(self, search_id: str) -> Document:
        """What a search found (`ihas.results.RunResult`)."""
        return self._document("GET", f"/v1/searches/{search_id}/result")

    def report(self, search_id: str) -> str:
        """What a search found, as an HTML page."""
        return self._send("GET", f"/v1/searches/{search_id}/report").text

    def model(self, name: str) -> Document:
        """One model: versions and summary."""
        return self._document("GET", f"/v1/models/{name}")

    def score(self, name: str, rows: Sequence[Mapping[str, Any]], explain: bool = False, version: int | None = None) -> Document:
        """Score rows."""
        return self._document("POST", f"/v1/models/{name}/score", json={"rows": list(rows), "explain": explain}, params=_version(version))

    def recommend(self, name: str, request: Mapping[str, Any], version: int | None = None) -> Document:
        """Recommend items; `request` is `context`, `candidates`, `k`, `exclude` and `explain`."""
        return self._document("POST", f"/v1/models/{name}/recommend", json=dict(request), params=_version(version))

    def _document(self, method: str, path: str, **options: Any) -> Document:
        document: Document = self._send(method, path, **options).json()
        return document

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise ServiceError(_unreachable(error)) from error
        if response.is_error:
            raise ServiceError(_problem(response))
        return response

    def _stream(self, search_id: str, seen: int, end: float) -> Iterator[Document]:
        """Events until the stream ends or breaks; a line after `end` breaks it."""
        headers = {"last-event-id": str(seen), "accept": "text/event-stream"}
        quiet_s = min(QUIET_S, max(POLL_S, end - time.monotonic()))
        with self._http.stream("GET", f"/v1/searches/{search_id}/events", headers=headers, timeout=quiet_s) as response:
            if response.is_error:
                response.read()
                raise ServiceError(_problem(response))
            for line in response.iter_lines():
                if time.monotonic() > end:
                    return
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def _give_up_on(self, error: httpx.TransportError | ServiceError, away_since: float) -> None:
        """Raise what will not pass: a refusal at once, an absence after a while."""
        if isinstance(error, ServiceError) and 400 <= error.status < 500:
            raise error
        if time.monotonic() - away_since > self._patience_s:
            raise ServiceError(_unreachable(error)) from error


def _check_time(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise WaitTimeoutError({"title": "Waited too long", "status": 0, "detail": f"It took too long for {what}"})


def _version(version: int | None) -> dict[str, int]:
    return {} if version is None else {"version": version}


def _unreachable(error: Exception) -> Document:
    return {"title": "Service out of reach", "status": 0, "detail": f"The service cannot be reached: {error or type(error).__name__}."}


def _problem(response: httpx.Response) -> Document:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem: Document = response.json()
        return problem
    return {"title": response.reason_phrase, "status": response.status_code, "detail": response.text[:500]}
