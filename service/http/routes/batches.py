"""Batches: every row of a data set answered by a model, as a Parquet file."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import FileResponse

from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import (
    CallerDep,
    CursorDep,
    KeyDep,
    LimitDep,
    PartsDep,
    RegistryDep,
    SettingsDep,
    StoreDep,
    TraceDep,
    json_only,
    own_dataset,
    own_job,
    versions_of,
)
from ihas_service.http.files import WholeFile
from ihas_service.http.policy import Repeat, Shedding, policy, reading
from ihas_service.http.schemas.batches import BatchCreate, BatchesPublic, BatchPublic
from ihas_service.http.schemas.searches import DeletedPublic
from ihas_service.jobs.handlers.batch import ANSWERS
from ihas_service.jobs.runs import batch_folder
from ihas_service.models.tenant_models import TenantModels
from ihas_service.states import TERMINAL, JobState
from ihas_service.storage.catalogue import DatasetState, ModelVersion
from ihas_service.storage.job import BATCH, Job, NewJob
from ihas_service.storage.job_files import JobFiles
from ihas_service.storage.job_store import JobStore

router = APIRouter(prefix="/v1", tags=["batches"], route_class=JsonRoute)
PARQUET = "application/vnd.apache.parquet"
FILE = {200: {"content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}}}
RETRY_AFTER_S = "1"


def own_batch(batch_id: Annotated[str, Path(max_length=64)], store: StoreDep, caller: CallerDep) -> Job:
    """The batch that the path names; another tenant's does not exist."""
    return own_job(store, batch_id, caller, BATCH)


BatchDep = Annotated[Job, Depends(own_batch)]


@router.post(
    "/models/{name}/batch",
    status_code=202,
    dependencies=[Depends(json_only)],
    openapi_extra=policy(Scope.SEARCH, repeat=Repeat.WITH_KEY),
)
def create_batch(
    name: str,
    body: BatchCreate,
    response: Response,
    parts: PartsDep,
    models: RegistryDep,
    caller: CallerDep,
    trace: TraceDep,
    idempotency_key: KeyDep = None,
) -> BatchPublic:
    """Answer every row of a data set: scores, or with `items` the best items. A worker does it; follow `Location`, then fetch its rows."""
    store, settings = parts.store, parts.settings
    version = _version(store, models, name, body.version)
    dataset = own_dataset(store, body.dataset_id, caller, body.dataset_version)
    if dataset.state is not DatasetState.VALID:
        raise ConflictError(f"Data set {dataset.id} is {dataset.state}; a batch needs a valid one.")
    if dataset.reading.get("format") == "sequences":
        raise ConflictError(
            f"Data set {dataset.id} holds a user a line; a batch answers the rows of a table. Send one with a row for each user."
        )
    asked = body.model_dump(mode="json")
    known = {"version": version.version, "path": version.path, "manifest_sha256": version.facts.get("manifest_sha256")}
    body_hash = hashlib.sha256(json.dumps({"batch": name, **asked}, sort_keys=True).encode()).hexdigest()
    owner = (idempotency_key, body_hash, caller.tenant, 0, trace, dataset.version)
    new = NewJob(BATCH, name, dataset.id, {**known, "items": asked["items"]}, *owner)
    return _accepted(store.submit(new, settings.max_queued_per_tenant, settings.max_search_bytes_per_tenant), response)


@router.get("/batches", openapi_extra=reading())
def list_batches(store: StoreDep, caller: CallerDep, cursor: CursorDep = None, limit: LimitDep = 50) -> BatchesPublic:
    """Batches, newest first."""
    return BatchesPublic.of(store.jobs(BATCH, cursor, limit, caller.tenant), limit)


@router.get("/batches/{batch_id}", openapi_extra=reading())
def read_batch(batch: BatchDep) -> BatchPublic:
    """One batch: its state and progress."""
    return BatchPublic.of(batch)


@router.get(
    "/batches/{batch_id}/rows",
    response_class=FileResponse,
    responses=FILE,  # type: ignore[arg-type]
    openapi_extra=policy(Scope.SEARCH, shedding=Shedding.NEVER, repeat=Repeat.ALWAYS),
)
def read_rows(batch: BatchDep, settings: SettingsDep) -> WholeFile:
    """The answers of a batch that succeeded, as Parquet: the columns of its rows, and beside them score, log-odds and group, or row, rank,
    item, score and group."""
    if batch.state is not JobState.SUCCEEDED:
        raise ConflictError(f"Batch {batch.id} is {batch.state}; it has rows once it has succeeded.")
    path = JobFiles(settings.folder, settings.artefacts_url).shown(batch_folder(settings.folder, batch.id) / ANSWERS)
    if not path.is_file():
        raise UnknownIdError(f"Batch {batch.id} left no {ANSWERS}.")
    return WholeFile(path, PARQUET, {"content-disposition": f'attachment; filename="{batch.id}.parquet"'})


@router.post("/batches/{batch_id}/cancel", status_code=202, openapi_extra=policy(Scope.SEARCH))
def cancel_batch(batch: BatchDep, response: Response, store: StoreDep) -> BatchPublic:
    """Stop a batch; its child ends within two seconds."""
    return _accepted(store.cancel(batch.id), response)


@router.delete("/batches/{batch_id}", openapi_extra=policy(Scope.SEARCH))
def delete_batch(batch: BatchDep, parts: PartsDep) -> DeletedPublic:
    """Delete a batch that has ended, with its rows."""
    return DeletedPublic.of(batch.id, parts.maintenance.remove(parts.deletions.batch(batch.tenant, batch.id)))


def _version(store: JobStore, models: TenantModels, name: str, number: int | None) -> ModelVersion:
    """A version of the caller's; the one that answers where none is stated."""
    versions = {one.version: one for one in versions_of(store, name, models.tenant)}
    wanted = models.get(name).version.version if number is None else number
    if wanted not in versions:
        raise UnknownIdError(f"Model {name!r} has no version {wanted}.")
    return versions[wanted]


def _accepted(job: Job, response: Response) -> BatchPublic:
    response.headers["Location"] = f"/v1/batches/{job.id}"
    if job.state not in TERMINAL:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return BatchPublic.of(job)
