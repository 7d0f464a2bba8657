"""What routes ask for, as types."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Path, Query, Request
from starlette.datastructures import Headers

from service.errors import UnknownIdError
from service.jobs.catalogue import Dataset
from service.jobs.job import Job, JobKind
from service.jobs.sql_store import SqlStore
from service.jobs.store import JobStore
from service.metrics import Metrics
from service.registry import Registry
from service.settings import Settings


@dataclass(frozen=True)
class Parts:
    """What one application is made of.

    Attributes:
        shutdown: set when the server begins to stop; whatever waits ends then.
    """

    settings: Settings
    store: SqlStore
    registry: Registry
    metrics: Metrics
    shutdown: asyncio.Event = field(default_factory=asyncio.Event)


def parts(request: Request) -> Parts:
    """The parts of the application that answers."""
    found: Parts = request.app.state.parts
    return found


PartsDep = Annotated[Parts, Depends(parts)]


def get_settings(parts: PartsDep) -> Settings:
    """The settings."""
    return parts.settings


def get_store(parts: PartsDep) -> JobStore:
    """The job table."""
    return parts.store


def get_registry(parts: PartsDep) -> Registry:
    """The models in memory."""
    return parts.registry


SettingsDep = Annotated[Settings, Depends(get_settings)]
StoreDep = Annotated[JobStore, Depends(get_store)]
RegistryDep = Annotated[Registry, Depends(get_registry)]


def get_dataset(dataset_id: Annotated[str, Path(max_length=64)], store: StoreDep) -> Dataset:
    """The data set that the path names."""
    return store.dataset(dataset_id)


def get_search(search_id: Annotated[str, Path(max_length=64)], store: StoreDep) -> Job:
    """The search that the path names."""
    job = store.job(search_id)
    if job.kind is not JobKind.SEARCH:
        raise UnknownIdError(f"There is no search {search_id!r}.")
    return job


DatasetDep = Annotated[Dataset, Depends(get_dataset)]
SearchDep = Annotated[Job, Depends(get_search)]
CursorDep = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Where the page begins; `next_cursor` of the page before.")]
LimitDep = Annotated[int, Query(ge=1, le=200, description="Most entries of a page.")]
KeyDep = Annotated[str | None, Header(min_length=1, max_length=255, description="The same key with the same body is the same search.")]
VersionDep = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="A version; the newest without it.")]


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether a body says that it is JSON."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


async def json_only(request: Request) -> None:
    """Refuse a body that does not say that it is JSON."""
    headers: Headers = request.headers
    if not is_json(headers):
        raise HTTPException(415, f"The body must be application/json, but is {headers.get('content-type') or 'of no stated type'}.")
