"""A model carried on with newer rows: the run behind a version learns on, and becomes the model's next version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from ihas.config.base import Config
from ihas.config.data import WindowConfig
from ihas.config.refresh import RefreshConfig
from service.auth.scopes import Scope
from service.errors import ConflictError, UnknownIdError
from service.http.bodies import JsonRoute
from service.http.dependencies import CallerDep, KeyDep, SettingsDep, StoreDep, TraceDep, json_only
from service.http.policy import Repeat, policy
from service.http.routes.derived import numbered_version
from service.http.routes.frontier import FRONTIER_OF, origin
from service.http.routes.searches import accepted_search, body_hash, searched
from service.http.schemas.searches import Priority, SearchPublic
from service.jobs.runs import search_folder
from service.settings import Settings
from service.storage.catalogue import ModelVersion
from service.storage.job import REFRESH, Job, NewJob
from service.storage.job_store import JobStore
from service.storage.promotion_settings import AutoPromote
from service.storage.traffic import VersionNumber

router = APIRouter(prefix="/v1/models/{name}", tags=["models"], route_class=JsonRoute)
OF_RUN = ("recipe.json", "result.json", "stages")
"""What a run folder must hold to be carried on."""


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
    job = _run_behind(store, settings, base)
    point = base.facts.get("chosen") if FRONTIER_OF in base.facts else None
    asked = {"source": job.id, "version": base.version, "point": point, "settings": body.settings.model_dump(mode="json")}
    kept: dict[str, Any] = {group: job.settings[group] for group in ("learning", "run", "budget") if group in job.settings}
    kept |= {} if body.window is None else {"window": body.window.model_dump(mode="json")}
    kept |= {} if body.auto_promote is None else {"auto_promote": body.auto_promote}
    hashed = body_hash({"refresh": name, **body.model_dump(mode="json")})
    of_job = {**kept, "refresh": asked}
    new = NewJob(REFRESH, name, dataset.id, of_job, idempotency_key, hashed, caller.tenant, body.priority, trace, dataset.version)
    return accepted_search(store.submit(new, settings.max_queued_per_tenant, settings.max_search_bytes_per_tenant), response)


def _run_behind(store: JobStore, settings: Settings, base: ModelVersion) -> Job:
    """The search or refresh whose run folder a version came from.

    Raises:
        ConflictError: it is no longer there, or was not one with `learning`.
    """
    what = f"Version {base.version} of model {base.name!r}"
    try:
        job = store.job(origin(base))
    except UnknownIdError:
        raise ConflictError(f"{what} came of search {origin(base)}, which was deleted. Run a search on the newer rows.") from None
    folder = search_folder(settings.folder, job.id)
    if job.emptied or not all((folder / part).exists() for part in OF_RUN) or not _holds_clicks(folder):
        way = "Run a search on the newer rows; IHAS_SEARCHES_KEPT_S says for how long stages are kept."
        raise ConflictError(f"{what} can be refreshed while its search with `learning` keeps its stages, but {job.id} has none. {way}")
    return job


def _holds_clicks(folder: Path) -> bool:
    """Whether a run folder is one of the kind `grouped`, whose first stage encodes a table."""
    return any((folder / "stages").glob("data-*"))
