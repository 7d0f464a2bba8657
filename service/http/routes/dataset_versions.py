"""Versions of data sets: append rows, list versions, read what changed, delete the newest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ihas.data.findings import ValidationReport
from ihas.data.growth import GrowthLimits
from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope
from ihas_service.datasets.uploads import received, within
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, CursorDep, DatasetDep, KeyDep, LimitDep, PartsDep, StoreDep, json_only
from ihas_service.http.policy import MANY_VALUES, MIB, Repeat, Shedding, policy, reading
from ihas_service.http.routes.datasets import FILE, DigestDep, check_digest, report_of, stated_bytes
from ihas_service.http.schemas.dataset_versions import DatasetVersionPublic, DatasetVersionsPublic, RowsAppend
from ihas_service.http.schemas.searches import DeletedPublic
from ihas_service.storage.catalogue import Dataset, DatasetVersion, NewVersion

router = APIRouter(prefix="/v1/datasets/{dataset_id}", tags=["datasets"], route_class=JsonRoute)
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the version.")]
FormDep = Annotated[
    Literal["auto", "csv", "parquet", "jsonl"],
    Query(alias="format", description="Format of the file; `auto` detects it by the first bytes."),
]


@router.post(
    "/append",
    status_code=202,
    openapi_extra=policy(Scope.DATA, max_body=None, shedding=Shedding.NEVER, repeat=Repeat.WITH_KEY, extra=FILE),
)
async def append_file(
    dataset: DatasetDep,
    request: Request,
    response: Response,
    parts: PartsDep,
    caller: CallerDep,
    form: FormDep = "auto",
    x_content_sha256: DigestDep = None,
    idempotency_key: KeyDep = None,
) -> DatasetVersionPublic:
    """Append the rows of a file, sent as the body, to a valid data set: its next version, which is checked with all rows before. The file
    may have another format than those before; it must have their columns. Until the version is valid, the one before stays in use."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "The body must be the file itself, not a form.")
    appending = _Appending(dataset, parts, caller, idempotency_key)
    named = "sequences" if dataset.reading.get("format") == "sequences" else form
    version = await appending.take(request.stream(), named, stated_bytes(request), x_content_sha256)
    return _accepted(dataset, version, response)


@router.post(
    "/append/rows",
    status_code=202,
    dependencies=[Depends(json_only)],
    openapi_extra=policy(Scope.DATA, max_body=8 * MIB, max_values=MANY_VALUES, repeat=Repeat.WITH_KEY),
)
async def append_rows(
    dataset: DatasetDep, body: RowsAppend, response: Response, parts: PartsDep, caller: CallerDep, idempotency_key: KeyDep = None
) -> DatasetVersionPublic:
    """Append up to 10,000 rows to a valid data set: its next version, as with a file. Each call is a version, so collect rows."""
    if dataset.reading.get("format") == "sequences":
        raise ConflictError(f"Data set {dataset.id} holds a user a line, and takes files only. Append a file.")
    lines = await run_in_threadpool(_lines, body.rows)
    version = await _Appending(dataset, parts, caller, idempotency_key).take(_one(lines), "jsonl", len(lines), None)
    return _accepted(dataset, version, response)


@router.put("/limits", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA))
def limit_growth(dataset: DatasetDep, body: GrowthLimits, store: StoreDep) -> GrowthLimits:
    """Set how much rows that are appended from now on may differ from those before; rows that differ more make their version invalid."""
    store.limit_growth(dataset.id, body.model_dump(mode="json", exclude_none=True))
    return body


@router.get("/versions", openapi_extra=reading())
def list_versions(dataset: DatasetDep, store: StoreDep, cursor: CursorDep = None, limit: LimitDep = 50) -> DatasetVersionsPublic:
    """Versions, newest first."""
    return DatasetVersionsPublic.of(store.dataset_versions(dataset.id, cursor, limit), limit)


@router.get("/versions/{version}", openapi_extra=reading())
def read_version(dataset: DatasetDep, version: Number, store: StoreDep) -> DatasetVersionPublic:
    """One version: its state, and where its rows came from."""
    return DatasetVersionPublic.of(_version(store.dataset_versions(dataset.id, version + 1, 1), dataset, version))


@router.get("/versions/{version}/report", response_model=ValidationReport, openapi_extra=reading())
def read_version_report(dataset: DatasetDep, version: Number, store: StoreDep) -> Any:
    """Report of the check of a version: its findings and, under `changes`, what the appended rows changed: drift and new values of each
    field, click rate with interval. Of an invalid version, 422 with what is wrong."""
    found = store.dataset(dataset.id, version)
    if found.deleted_at is not None:
        raise _unknown(dataset, version)
    return report_of(found)


@router.delete("/versions/{version}", openapi_extra=policy(Scope.DATA))
def delete_version(dataset: DatasetDep, version: Number, parts: PartsDep) -> DeletedPublic:
    """Delete the newest version with the rows that it appended; the one before is in use again. Refused with 409 while later versions
    hold its rows or searches on it wait or run. Its number is not given again."""
    gone = parts.deletions.dataset_version(dataset.tenant, dataset.id, version)
    return DeletedPublic.of(f"{dataset.id}/{version}", parts.maintenance.remove(gone))


class _Appending:
    """One append, of a file or of rows."""

    def __init__(self, dataset: Dataset, parts: AppState, caller: Caller, key: str | None) -> None:
        self._dataset, self._parts, self._caller, self._key = dataset, parts, caller, key

    async def take(self, chunks: AsyncIterator[bytes], form: str, stated: int, digest: str | None) -> DatasetVersion:
        """Write the file and add the version; refused before the first byte where it would be refused at the end."""
        store, settings, dataset = self._parts.store, self._parts.settings, self._dataset
        await run_in_threadpool(store.check_takes_rows, dataset.id, self._key)
        most = settings.max_dataset_bytes_per_tenant
        room = await run_in_threadpool(store.dataset_room, dataset.tenant, most)
        room.check(stated)
        async with received(within(chunks, room), dataset.id, form, settings.folder) as upload:
            check_digest(upload, digest, "`X-Content-SHA256` says {said}. Send it again.")
            return await run_in_threadpool(store.append, NewVersion(dataset.id, upload, self._caller.name, self._key), most)


def _accepted(dataset: Dataset, version: DatasetVersion, response: Response) -> DatasetVersionPublic:
    response.headers["Location"] = f"/v1/datasets/{dataset.id}/versions/{version.version}"
    return DatasetVersionPublic.of(version)


def _version(found: Iterable[DatasetVersion], dataset: Dataset, version: int) -> DatasetVersion:
    for one in found:
        if one.version == version:
            return one
    raise _unknown(dataset, version)


def _unknown(dataset: Dataset, version: int) -> UnknownIdError:
    return UnknownIdError(f"Data set {dataset.id!r} has no version {version}.")


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()


async def _one(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
