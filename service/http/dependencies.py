"""What routes ask for, as types."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Path, Query, Request
from starlette.datastructures import Headers

from ihas.errors import RequestError
from ihas_service.auth.caller import Caller
from ihas_service.datasets.exports import Exports
from ihas_service.datasets.remote_files import Fetches
from ihas_service.errors import NoKeyError, PreconditionMissingError, TooManyError, UnknownIdError
from ihas_service.http.middleware.compute_threads import Threads
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.models.known_items import KnownItems
from ihas_service.models.known_users import KnownUsers
from ihas_service.models.registry import Registry
from ihas_service.models.replicas import Replicas
from ihas_service.models.response_log import ResponseLog
from ihas_service.models.tenant_models import TenantModels
from ihas_service.observability.metrics import Metrics
from ihas_service.observability.tracing import HEADER, TRACEPARENT, Traces
from ihas_service.repeating import Repeating
from ihas_service.retention.maintenance import Maintenance
from ihas_service.settings import Settings
from ihas_service.storage.aliases import ABSENT, ANY, Aliases
from ihas_service.storage.catalogue import Dataset, ModelVersion
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.direct_events import DirectEvents
from ihas_service.storage.feedback import Feedback
from ihas_service.storage.item_fields import ItemFieldRows
from ihas_service.storage.job import TRAINING, Job, JobKind
from ihas_service.storage.job_store import JobStore
from ihas_service.storage.keys import Keys
from ihas_service.storage.profiles import Profiles
from ihas_service.storage.promotion import Promotions
from ihas_service.storage.schedules import Schedules
from ihas_service.storage.seen_items import SeenItems
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.traffic import TrafficPlans


def versions_of(store: JobStore, name: str, tenant: str) -> list[ModelVersion]:
    """Versions of a model, newest first; UnknownIdError where the tenant has none of this name."""
    versions = list(store.versions(name, tenant))
    if not versions:
        raise UnknownIdError(f"There is no model {name!r}.")
    return versions


@dataclass(frozen=True)
class AppState:
    """What one application is made of.

    Attributes:
        draining: set when the server is about to stop; it is not ready any more, but answers.
        shutdown: set when the server stops; whatever waits ends then.
    """

    settings: Settings
    store: SqlStore
    registry: Registry
    first_load: FirstLoad
    metrics: Metrics
    keys: Keys
    aliases: Aliases
    plans: TrafficPlans
    promotions: Promotions
    schedules: Schedules
    feedback: Feedback
    direct_events: DirectEvents
    profiles: Profiles
    known_users: KnownUsers
    item_fields: ItemFieldRows
    known_items: KnownItems
    seen_items: SeenItems
    response_log: ResponseLog
    replicas: Replicas
    repeated: tuple[Repeating, ...]
    fetches: Fetches
    deletions: Deletions
    maintenance: Maintenance
    threads: Threads
    traces: Traces | None = None
    exports: Exports = field(default_factory=Exports)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    shutdown: asyncio.Event = field(default_factory=asyncio.Event)


def parts(request: Request) -> AppState:
    """The parts of the application that answers."""
    found: AppState = request.app.state.parts
    return found


def caller(request: Request) -> Caller:
    """The caller of a request."""
    found: Caller = request.scope["state"]["caller"]
    return found


PartsDep = Annotated[AppState, Depends(parts)]
CallerDep = Annotated[Caller, Depends(caller)]


def go_on(request: Request) -> Callable[[], Awaitable[bool]]:
    """Whether the caller's key still opens what it opened; asked by what lasts."""
    recheck = request.scope["state"].get("recheck")

    async def may_go_on() -> bool:
        try:
            return recheck is None or await recheck() is not None
        except (NoKeyError, TooManyError):
            return False

    return may_go_on


def get_settings(parts: PartsDep) -> Settings:
    """The settings."""
    return parts.settings


def get_store(parts: PartsDep) -> JobStore:
    """The job table."""
    return parts.store


def get_registry(parts: PartsDep, caller: CallerDep) -> TenantModels:
    """The caller's models in memory."""
    return TenantModels(parts.registry, caller.tenant)


SettingsDep = Annotated[Settings, Depends(get_settings)]
StoreDep = Annotated[JobStore, Depends(get_store)]
RegistryDep = Annotated[TenantModels, Depends(get_registry)]


def get_dataset(dataset_id: Annotated[str, Path(max_length=64)], store: StoreDep, caller: CallerDep) -> Dataset:
    """The data set that the path names; another tenant's does not exist."""
    return own_dataset(store, dataset_id, caller)


def own_dataset(store: JobStore, dataset_id: str, caller: Caller, version: int | None = None) -> Dataset:
    """A version of a data set of the caller's tenant, the one in use by default.

    Raises:
        UnknownIdError: there is none, or it is another tenant's.
    """
    dataset = store.dataset(dataset_id)
    if dataset.tenant != caller.tenant or dataset.deleted_at is not None:
        raise UnknownIdError(f"There is no data set {dataset_id!r}.")
    if version is None or version == dataset.version:
        return dataset
    found = store.dataset(dataset_id, version)
    if found.deleted_at is not None:
        raise UnknownIdError(f"Data set {dataset_id!r} has no version {version}.")
    return found


def get_search(search_id: Annotated[str, Path(max_length=64)], store: StoreDep, caller: CallerDep) -> Job:
    """The search that the path names; another tenant's does not exist."""
    return own_search(store, search_id, caller)


def own_search(store: JobStore, search_id: str, caller: Caller) -> Job:
    """A search or a refresh of the caller's tenant.

    Raises:
        UnknownIdError: there is none, or it is another tenant's.
    """
    return own_job(store, search_id, caller, *TRAINING)


def own_job(store: JobStore, job_id: str, caller: Caller, *kinds: JobKind) -> Job:
    """A job of the caller's tenant, of one of the kinds.

    Raises:
        UnknownIdError: there is none, or it is another tenant's, or of a kind that is not asked for.
    """
    job = store.job(job_id)
    if job.kind not in [kind.name for kind in kinds] or job.tenant != caller.tenant:
        raise UnknownIdError(f"There is no {kinds[0]} {job_id!r}. List those of your tenant.")
    return job


def traceparent(request: Request) -> str | None:
    """The span that asks, as W3C writes it."""
    said = request.headers.get(HEADER, "")
    return said if TRACEPARENT.fullmatch(said) else None


GoOnDep = Annotated[Callable[[], Awaitable[bool]], Depends(go_on)]
TraceDep = Annotated[str | None, Depends(traceparent)]
DatasetDep = Annotated[Dataset, Depends(get_dataset)]
SearchDep = Annotated[Job, Depends(get_search)]
CursorDep = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Where the page begins; `next_cursor` of the page before.")]
LimitDep = Annotated[int, Query(ge=1, le=200, description="Most entries of a page.")]
KeyDep = Annotated[str | None, Header(min_length=1, max_length=255, description="The same key with the same body is the same search.")]
VersionDep = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="A version; the newest without it.")]


ETAG = r'^(\*|"?[0-9]{1,9}"?)$'
IfMatchDep = Annotated[str | None, Header(pattern=ETAG, description="The `ETag` that the change expects, or `*` for any.")]
IfNoneMatchDep = Annotated[str | None, Header(pattern=r"^\*$", description="`*` where there must be none yet.")]


def etag(revision: int) -> str:
    """A revision as HTTP writes it."""
    return f'"{revision}"'


def expected_revision(if_match: str | None, if_none_match: str | None = None) -> int:
    """The revision that a change expects.

    Raises:
        PreconditionMissingError: it does not say.
        RequestError: it says something else than a revision.
    """
    if if_match is not None and if_none_match is not None:
        raise RequestError("`If-Match` and `If-None-Match` exclude each other. State one of them.")
    if if_none_match is not None:
        if if_none_match != "*":
            raise RequestError(f"`If-None-Match` must be `*`, but got {if_none_match!r}.")
        return ABSENT
    if if_match is None:
        raise PreconditionMissingError("State the expected revision: `If-Match` with the last `ETag`, or `If-None-Match: *`.")
    if if_match == "*":
        return ANY
    number = if_match.strip('"')
    if not number.isdecimal() or len(number) > 9:
        raise RequestError(f'`If-Match` must be an `ETag` of an answer, such as "3", but got {if_match!r}.')
    return int(number)


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether a body says that it is JSON."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


async def json_only(request: Request) -> None:
    """Refuse a body that does not say that it is JSON."""
    headers: Headers = request.headers
    if not is_json(headers):
        raise HTTPException(415, f"The body must be application/json, but is {headers.get('content-type') or 'of no stated type'}.")
