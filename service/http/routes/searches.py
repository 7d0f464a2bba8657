"""Searches: submit, watch, stop, resume, and what they found."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from ihas.config.budget import BudgetConfig
from ihas.config.data import WindowConfig
from ihas.config.learning import LearningConfig
from ihas.config.recipe import one_label_alone
from ihas.errors import RequestError
from ihas_pipelines.kinds.registry import kinds
from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import (
    CallerDep,
    CursorDep,
    GoOnDep,
    KeyDep,
    LimitDep,
    PartsDep,
    SearchDep,
    SettingsDep,
    StoreDep,
    TraceDep,
    json_only,
    own_dataset,
)
from ihas_service.http.files import WholeFile
from ihas_service.http.policy import MIB, Repeat, Shedding, policy, reading
from ihas_service.http.schemas.searches import DeletedPublic, EventPublic, SearchCreate, SearchesPublic, SearchPublic, next_cursor
from ihas_service.jobs.runs import search_folder
from ihas_service.settings import Settings
from ihas_service.states import TERMINAL, JobState
from ihas_service.storage.catalogue import Dataset, DatasetState
from ihas_service.storage.job import REFRESH, SEARCH, Job, NewJob
from ihas_service.storage.job_files import JobFiles
from ihas_service.storage.job_store import JobStore

router = APIRouter(prefix="/v1/searches", tags=["searches"], route_class=JsonRoute)
PAGE = 200
RESULTS: Any = reduce(or_, [kind.result for kind in kinds() if "search" in kind.submitted_as and kind.result is not None])
RETRY_AFTER_S = "1"
REPORT_HEADERS = {"content-security-policy": "sandbox allow-scripts allow-downloads", "x-content-type-options": "nosniff"}
WaitDep = Annotated[float, Query(ge=0.0, le=60.0, description="Seconds to wait for the search to finish before answering.")]
LastEventDep = Annotated[int, Header(ge=0, le=2**31 - 1, description="Number of the last event that was seen.")]


@router.post(
    "", status_code=202, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.SEARCH, max_body=MIB, repeat=Repeat.WITH_KEY)
)
def create_search(
    body: SearchCreate,
    response: Response,
    store: StoreDep,
    settings: SettingsDep,
    caller: CallerDep,
    trace: TraceDep,
    idempotency_key: KeyDep = None,
) -> SearchPublic:
    """Submit a search. A worker runs it; follow its state or its events at `Location`."""
    dataset = searched(store, body, caller)
    if body.settings == "learning":
        check_labels(dataset, body.learning, body.budget)
    asked = body.model_dump(mode="json")
    recipe = {name: asked[name] for name in (body.settings, "run", "budget", "window", "auto_promote") if name in asked}
    hashed = body_hash(asked)
    new = NewJob(SEARCH, body.name, dataset.id, recipe, idempotency_key, hashed, caller.tenant, body.priority, trace, dataset.version)
    return accepted_search(store.submit(new, settings.max_queued_per_tenant, settings.max_search_bytes_per_tenant), response)


@router.get("", openapi_extra=reading())
def list_searches(store: StoreDep, caller: CallerDep, cursor: CursorDep = None, limit: LimitDep = 50) -> SearchesPublic:
    """Searches and refreshes, newest first."""
    found = store.jobs(SEARCH, cursor, limit, caller.tenant, (REFRESH,))
    return SearchesPublic(searches=tuple(map(SearchPublic.of, found)), next_cursor=next_cursor(found, limit))


@router.get("/{search_id}", openapi_extra=reading(shedding=Shedding.NEVER))
async def read_search(
    search: SearchDep, request: Request, response: Response, parts: PartsDep, may_go_on: GoOnDep, wait: WaitDep = 0.0
) -> SearchPublic:
    """One search; with `wait`, once it has finished or the time is over."""
    end = time.monotonic() + wait
    while not search.finished and time.monotonic() < end and not parts.shutdown.is_set() and await may_go_on():
        if await request.is_disconnected():
            break
        await _pause(parts.shutdown, min(parts.settings.poll_s, max(0.0, end - time.monotonic())))
        search = await run_in_threadpool(parts.store.job, search.id)
    if not search.finished:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return SearchPublic.of(search)


@router.get("/{search_id}/events", response_class=EventSourceResponse, openapi_extra=reading(shedding=Shedding.NEVER))
async def stream_events(
    search: SearchDep, parts: PartsDep, may_go_on: GoOnDep, last_event_id: LastEventDep = 0
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events, one per change, from the one after `Last-Event-ID`; the stream ends when the search has finished, or when the
    key has ended."""
    seen = last_event_id
    while not parts.shutdown.is_set() and await may_go_on():
        try:
            job = await run_in_threadpool(parts.store.job, search.id)
        except UnknownIdError:
            return  # it was deleted
        for event in await run_in_threadpool(parts.store.events, search.id, seen, PAGE):
            seen = event.id
            yield ServerSentEvent(data=EventPublic.of(event), id=str(event.id))
        if seen >= job.last_event:
            if job.finished:
                return
            await _pause(parts.shutdown, parts.settings.poll_s)


@router.delete("/{search_id}", openapi_extra=policy(Scope.SEARCH))
def delete_search(search: SearchDep, parts: PartsDep) -> DeletedPublic:
    """Delete a search that has ended, with its run folder, log and result; refused with 409 while a version is its bundle."""
    return DeletedPublic.of(search.id, parts.maintenance.remove(parts.deletions.search(search.tenant, search.id)))


@router.post("/{search_id}/cancel", status_code=202, openapi_extra=policy(Scope.SEARCH))
def cancel_search(search: SearchDep, response: Response, store: StoreDep) -> SearchPublic:
    """Stop a search; its child ends within two seconds. What is finished stays, for `resume`."""
    return accepted_search(store.cancel(search.id), response)


@router.post("/{search_id}/resume", status_code=202, openapi_extra=policy(Scope.SEARCH))
def resume_search(search: SearchDep, response: Response, store: StoreDep) -> SearchPublic:
    """Queue a failed or cancelled search again. With `learning` it goes on from its last finished stage; with `overrec` or `transformer`,
    which have no stages, it begins anew."""
    return accepted_search(store.resume(search.id), response)


@router.get(
    "/{search_id}/result",
    response_class=FileResponse,
    responses={200: {"model": RESULTS}},
    openapi_extra=reading(shedding=Shedding.NEVER),
)
def read_result(search: SearchDep, settings: SettingsDep) -> WholeFile:
    """What a search found. With `learning`: figures of every variant, every group and every stage. With `overrec`: of the recommender, of
    the methods beside it and of every setting that was tried. With `transformer`: every epoch, ranking figures and loss of test items."""
    return WholeFile(finished_file(search, settings, "result.json"), "application/json")


@router.get(
    "/{search_id}/report",
    response_class=FileResponse,
    responses={200: {"content": {"text/html": {}}}},
    openapi_extra=reading(shedding=Shedding.NEVER),
)
def read_report(search: SearchDep, settings: SettingsDep) -> WholeFile:
    """The figures drawn, as a page."""
    return WholeFile(finished_file(search, settings, "report.html"), "text/html", REPORT_HEADERS)


class OnDataset(Protocol):
    """What a request says about the rows that it works on."""

    @property
    def dataset_id(self) -> str:
        """The data set."""
        ...

    @property
    def dataset_version(self) -> int | None:
        """Its version; None for the one in use."""
        ...

    @property
    def window(self) -> WindowConfig | None:
        """Window of newest rows; None for all."""
        ...


def searched(store: JobStore, body: OnDataset, caller: Caller) -> Dataset:
    """The version of a data set that a search reads.

    Raises:
        UnknownIdError: there is none, or it is another tenant's.
        ConflictError: it is not valid.
        RequestError: there is no such column for the window.
    """
    dataset = own_dataset(store, body.dataset_id, caller, body.dataset_version)
    if dataset.state is not DatasetState.VALID:
        what = f"Data set {dataset.id}" if dataset.version == 1 else f"Version {dataset.version} of data set {dataset.id}"
        raise ConflictError(f"{what} is {dataset.state}; a search needs a valid one.")
    if not dataset.labelled:
        raise ConflictError(f"The rows of data set {dataset.id} have no label. Answer them by a batch, or make a data set with a label.")
    if body.window is not None:
        check_window(dataset, body.window)
    return dataset


def check_labels(dataset: Dataset, learning: LearningConfig, budget: BudgetConfig) -> None:
    """Refuse settings that know one label alone for a data set of several, before a run meets them; RequestError says which."""
    told = one_label_alone(learning, budget) if (dataset.reading.get("columns") or {}).get("tasks") else None
    if told is not None:
        raise RequestError(told, "/budget" if "budget" in told else "/learning")


def check_window(dataset: Dataset, window: WindowConfig) -> None:
    """Refuse a window whose column is not stated, or is not there, before a run meets it.

    Raises:
        RequestError: so it is.
    """
    columns = dataset.reading.get("interactions") or dataset.reading.get("columns") or {}
    name = window.column or columns.get("time")
    if name is None or dataset.reading.get("format") == "sequences":
        raise RequestError("A window needs a column of times, but the data set states none. Set `window.column`.", "/window")
    known = [profile["column"] for profile in (dataset.report or {}).get("profiles", ())]
    if dataset.reading.get("interactions") is None and name not in known:
        raise RequestError(f"The data set has no column {name!r} for the window; it has {', '.join(known[:20])}.", "/window/column")


def accepted_search(job: Job, response: Response) -> SearchPublic:
    """The answer that names a search, or a refresh, that was taken on or changed."""
    response.headers["Location"] = f"/v1/searches/{job.id}"
    if job.state not in TERMINAL:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return SearchPublic.of(job)


def body_hash(asked: object) -> str:
    """Digest of a request, by which the same key with another request is told."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def finished_file(search: Job, settings: Settings, name: str) -> Path:
    """A file of a search that succeeded.

    Raises:
        ConflictError: it has not succeeded.
        UnknownIdError: somebody removed the file.
        StoreError: it is in no folder of this process, and the store is out of reach.
    """
    if search.state is not JobState.SUCCEEDED:
        raise ConflictError(f"Search {search.id} is {search.state}; it has a result once it has succeeded.")
    path = JobFiles(settings.folder, settings.artefacts_url).shown(search_folder(settings.folder, search.id) / name)
    if not path.is_file():
        raise UnknownIdError(f"Search {search.id} left no {name}.")
    return path


async def _pause(shutdown: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(shutdown.wait(), seconds)
