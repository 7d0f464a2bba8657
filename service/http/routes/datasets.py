"""Data sets: create, upload, read the report."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from ihas.data.findings import FieldProfile, ValidationReport
from ihas.errors import DataError
from ihas.findings import Finding
from ihas_service.auth.scopes import Scope
from ihas_service.datasets.uploads import allowed_path, received, within
from ihas_service.errors import ConflictError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dataset_copies import READING, copied_reading, file_of, pieces
from ihas_service.http.dependencies import (
    AppState,
    CallerDep,
    CursorDep,
    DatasetDep,
    LimitDep,
    PartsDep,
    SettingsDep,
    StoreDep,
    json_only,
    own_dataset,
)
from ihas_service.http.policy import MIB, Shedding, policy, reading
from ihas_service.http.schemas.searches import DatasetCreate, DatasetPublic, DatasetsPublic, DeletedPublic, next_cursor
from ihas_service.ids import new_id
from ihas_service.storage.catalogue import Dataset, NewDataset, Upload

DigestDep = Annotated[str | None, Header(pattern="^[0-9a-fA-F]{64}$", description="SHA-256 of the file, hexadecimal.")]
router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=JsonRoute)
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
SAID = "The file itself, of the data set's format: CSV with a header, Parquet or JSON lines, as it is or compressed with gzip or zstd."
FILE = {"requestBody": {"required": True, "description": SAID, "content": BINARY}}


@router.post(
    "", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA, max_body=MIB, shedding=Shedding.NEVER)
)
async def create_dataset(body: DatasetCreate, response: Response, parts: PartsDep, caller: CallerDep) -> DatasetPublic:
    """Create a data set. With `path`, `uri` or `copy_of` its check begins at once; otherwise upload its file next."""
    original = None if body.copy_of is None else await run_in_threadpool(own_dataset, parts.store, body.copy_of, caller)
    named = body.path if original is None or not original.referenced else file_of(original)
    path = None if named is None else await run_in_threadpool(allowed_path, named, parts.settings.data_roots)
    reading = body.model_dump(mode="json", include=READING) if original is None else copied_reading(original, body)
    new = NewDataset(body.name, reading, path, caller.tenant, limits=body.limits.model_dump(mode="json", exclude_none=True))
    if body.uri is not None:
        dataset = await _arrived(new, parts.fetches.chunks(body.uri), parts, body.sha256)
    elif original is not None and path is None:
        dataset = await _arrived(new, pieces(parts.settings.folder / file_of(original)), parts)
    else:
        dataset = await run_in_threadpool(parts.store.add_dataset, new, 0)
    response.headers["Location"] = f"/v1/datasets/{dataset.id}"
    return DatasetPublic.of(dataset)


@router.get("", openapi_extra=reading())
def list_datasets(store: StoreDep, caller: CallerDep, cursor: CursorDep = None, limit: LimitDep = 50) -> DatasetsPublic:
    """Data sets, newest first."""
    found = store.datasets(cursor, limit, caller.tenant)
    return DatasetsPublic(datasets=tuple(map(DatasetPublic.of, found)), next_cursor=next_cursor(found, limit))


@router.get("/{dataset_id}", openapi_extra=reading())
def read_dataset(dataset: DatasetDep) -> DatasetPublic:
    """One data set."""
    return DatasetPublic.of(dataset)


@router.put("/{dataset_id}/content", status_code=202, openapi_extra=policy(Scope.DATA, max_body=None, shedding=Shedding.NEVER, extra=FILE))
async def upload_content(
    dataset: DatasetDep, request: Request, store: StoreDep, settings: SettingsDep, x_content_sha256: DigestDep = None
) -> DatasetPublic:
    """Upload the file as the body, plain or compressed by gzip or zstd; its check follows. With its digest, a damaged upload is refused."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "The body must be the file itself, not a form.")
    _check_takes_a_file(dataset)
    most = settings.max_dataset_bytes_per_tenant
    room = await run_in_threadpool(store.dataset_room, dataset.tenant, most, dataset.id)
    room.check(stated_bytes(request))
    async with received(within(request.stream(), room), dataset.id, _form(dataset.reading), settings.folder) as upload:
        check_digest(upload, x_content_sha256, "`X-Content-SHA256` says {said}. Send it again.")
        return DatasetPublic.of(await run_in_threadpool(store.receive_upload, dataset.id, upload, most))


@router.delete("/{dataset_id}", openapi_extra=policy(Scope.DATA))
def delete_dataset(dataset: DatasetDep, parts: PartsDep) -> DeletedPublic:
    """Delete a data set, its file and its estimates; refused with 409 while searches on it wait or run. Models trained on it stay."""
    return DeletedPublic.of(dataset.id, parts.maintenance.remove(parts.deletions.dataset(dataset.tenant, dataset.id)))


@router.get("/{dataset_id}/report", response_model=ValidationReport, openapi_extra=reading())
def read_report(dataset: DatasetDep) -> Any:
    """Report of the check: every finding with row and column."""
    return report_of(dataset)


@router.get("/{dataset_id}/profile", openapi_extra=reading())
def read_profile(dataset: DatasetDep) -> tuple[FieldProfile, ...]:
    """Profile of each column."""
    return ValidationReport.model_validate(report_of(dataset)).profiles


async def _arrived(new: NewDataset, chunks: Generator[bytes, None, None], parts: AppState, digest: str | None = None) -> Dataset:
    """A data set whose file is read from somewhere else; if that fails, nothing is kept."""
    dataset_id, most = new_id("ds"), parts.settings.max_dataset_bytes_per_tenant
    try:
        room = await run_in_threadpool(parts.store.dataset_room, new.tenant, most)
        room.check(1)
        async with received(within(iterate_in_threadpool(chunks), room), dataset_id, _form(new.reading), parts.settings.folder) as upload:
            check_digest(upload, digest, "`sha256` says {said}.")
            return await run_in_threadpool(parts.store.add_dataset, replace(new, upload=upload, id=dataset_id), most)
    finally:
        await run_in_threadpool(chunks.close)


def stated_bytes(request: Request) -> int:
    """Bytes that an upload says it has; at least one."""
    said = request.headers.get("content-length", "")
    return max(1, int(said)) if said.isdecimal() else 1


def _form(reading: Mapping[str, Any]) -> str:
    return str(reading.get("format", "auto"))


def check_digest(upload: Upload, said: str | None, otherwise: str) -> None:
    """Refuse a file that has another digest than the sender said, if anything."""
    if said is not None and said.lower() != upload.sha256:
        raise HTTPException(422, f"What arrived has SHA-256 {upload.sha256}, but {otherwise.format(said=said)}")


def report_of(dataset: Dataset) -> Any:
    """The report of a version.

    Raises:
        DataError: it is invalid, and was not read far enough for one.
        ConflictError: it is not checked yet.
    """
    if dataset.report is not None:
        return dataset.report
    if dataset.error is not None:
        findings = [Finding.model_validate(finding) for finding in dataset.error.get("findings", ())]
        raise DataError(str(dataset.error.get("detail")), findings)
    raise ConflictError(f"Data set {dataset.id} is {dataset.state}; there is a report once it is valid or invalid.")


def _check_takes_a_file(dataset: Dataset) -> None:
    """Refuse an upload before its first byte if it would be refused at its end."""
    if dataset.referenced or dataset.state not in ("uploading", "invalid"):
        raise ConflictError(f"Data set {dataset.id} is {dataset.state} and takes no other file. Create another data set.")
