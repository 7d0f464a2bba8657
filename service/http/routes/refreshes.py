"""A model carried on with newer rows: the run behind a version learns on, and becomes the model's next version."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from ihas.config.base import Config
from ihas.config.data import WindowConfig
from ihas.config.refresh import RefreshConfig
from ihas_service.auth.scopes import Scope
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, KeyDep, SettingsDep, StoreDep, TraceDep, json_only
from ihas_service.http.policy import Repeat, policy
from ihas_service.http.routes.derived import numbered_version
from ihas_service.http.routes.searches import accepted_search, body_hash, searched
from ihas_service.http.schemas.searches import Priority, SearchPublic
from ihas_service.jobs.refresh_jobs import RefreshAsked, refresh_job
from ihas_service.storage.promotion_settings import AutoPromote
from ihas_service.storage.traffic import VersionNumber

router = APIRouter(prefix="/v1/models/{name}", tags=["models"], route_class=JsonRoute)


class RefreshCreate(Config):
    """A refresh to submit."""

    dataset_id: str
    """A valid data set with newer rows and the columns that the model was trained on."""
    dataset_version: VersionNumber | None = None
    """Version of the data set; the one in use by default."""
    window: WindowConfig | None = None
    """Only the newest rows count; all by default."""
    version: VersionNumber | None = None
    """Version to carry on; by default the one that serves, or the newest where none does."""
    settings: RefreshConfig = RefreshConfig()
    """How the model learns on."""
    priority: Priority = 0
    """Jobs of higher priority start first."""
    auto_promote: AutoPromote | None = Field(default=None, exclude_if=lambda mode: mode is None)
    """Whether the version goes live without a person, as for searches: `first`, `passing`, if it meets the gates, or `never`. By default
    as the model's settings say (`PUT /v1/models/{name}/promotion`), and IHAS_AUTO_PROMOTE."""


@router.post("/refresh", status_code=202, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.SEARCH, repeat=Repeat.WITH_KEY))
def refresh_model(
    name: str,
    body: RefreshCreate,
    response: Response,
    store: StoreDep,
    settings: SettingsDep,
    caller: CallerDep,
    trace: TraceDep,
    idempotency_key: KeyDep = None,
) -> SearchPublic:
    """Carry the run behind a version on with newer rows, without a search: the model learns on from its own weights, and the better of it
    and of the model as it was becomes the next version. Followed at `Location`, like a search."""
    serving = store.serving_version(caller.tenant, name) if body.version is None else None
    base = serving or numbered_version(store.versions(name, caller.tenant), name, body.version)
    dataset = searched(store, body, caller)
    asked = RefreshAsked(body.settings, body.window, body.auto_promote, body.priority)
    hashed = body_hash({"refresh": name, **body.model_dump(mode="json")})
    new = refresh_job(store, settings.folder, base, dataset, asked)
    new = replace(new, key=idempotency_key, body_hash=hashed, traceparent=trace)
    return accepted_search(store.submit(new, settings.max_queued_per_tenant, settings.max_search_bytes_per_tenant), response)
