"""What was shown as rows to train on: a file that is streamed, or a data set of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope
from ihas_service.datasets.event_files import MEDIA, EventFile, FileForm, best_form
from ihas_service.datasets.event_uploads import event_file, event_upload
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, GoOnDep, PartsDep, json_only
from ihas_service.http.policy import Repeat, Shedding, policy
from ihas_service.http.schemas.event_rows import EventDataset, RowsQuery, rows_asked
from ihas_service.http.schemas.searches import DatasetPublic
from ihas_service.ids import new_id
from ihas_service.storage.catalogue import Dataset, NewDataset
from ihas_service.storage.shown_rows import RowsAsked, ShownRows

router = APIRouter(prefix="/v1/models/{name}/events", tags=["events"], route_class=JsonRoute)
RowsDep = Annotated[RowsQuery, Query()]
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA.values()}}
}


class ExportResponse(StreamingResponse):
    """A file that is made as it is sent; it holds a place among the exports until it is sent, or the client has left."""

    def __init__(self, pieces: AsyncIterator[bytes], place: AbstractContextManager[None], media: str, headers: Mapping[str, str]) -> None:
        super().__init__(pieces, media_type=media, headers=headers)
        self._place = place

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        with self._place:
            await super().__call__(scope, receive, send)


@router.get(
    "/export", response_class=Response, responses=FILES, openapi_extra=policy(Scope.DATA, shedding=Shedding.NEVER, repeat=Repeat.ALWAYS)
)
def export_events(name: str, asked: RowsDep, parts: PartsDep, caller: CallerDep, may_go_on: GoOnDep) -> ExportResponse:
    """What was shown, a row each, in order of time, with the columns of the model's table: context, item, label, and when it was.

    `open-rows` says how many rows are left out because their window has not ended, `rows-without-context` how many because their context
    was not kept, and `as-of` what to ask for to get the same rows again.
    """
    file, rows = _file(name, asked, asked.format, parts, caller)
    pieces = _while_allowed(file.pieces(rows.rows(file.asked)), parts, may_go_on)
    with parts.exports.place(caller.tenant):
        told = _told(rows, file.asked)
    headers = {**told, "content-disposition": f'attachment; filename="{name}.{file.form}"'}
    return ExportResponse(pieces, parts.exports.place(caller.tenant), MEDIA[file.form], headers)


@router.post("/dataset", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA, shedding=Shedding.NEVER))
async def create_event_dataset(name: str, body: EventDataset, response: Response, parts: PartsDep, caller: CallerDep) -> DatasetPublic:
    """Make a data set of what was shown. Its rows are written before the answer; its check follows, as that of an uploaded file."""
    file, rows = await run_in_threadpool(_file, name, body, best_form(), parts, caller)
    with parts.exports.place(caller.tenant):
        dataset = await _made(NewDataset(body.name, file.rows.reading(file.form), tenant=caller.tenant), file, rows, parts)
        response.headers.update(await run_in_threadpool(_told, rows, file.asked))
    response.headers["Location"] = f"/v1/datasets/{dataset.id}"
    return DatasetPublic.of(dataset)


def _file(name: str, asked: RowsQuery | EventDataset, form: FileForm, parts: AppState, caller: Caller) -> tuple[EventFile, ShownRows]:
    """The file that is asked for, and where its rows are; what was reported before is among them."""
    model = parts.registry.get(name, asked.version, caller.tenant).recommender.rows
    parts.response_log.flush()
    rows = ShownRows(parts.store)
    return event_file(form, model, rows_asked(asked, caller.tenant, name, rows.now()), asked.details), rows


async def _made(new: NewDataset, file: EventFile, rows: ShownRows, parts: AppState) -> Dataset:
    """A data set with the rows; if that fails, nothing is kept."""
    most = parts.settings.max_dataset_bytes_per_tenant
    async with event_upload(file, rows, parts.store, dataset_id := new_id("ds"), (parts.settings.folder, most)) as upload:
        return await run_in_threadpool(parts.store.add_dataset, replace(new, upload=upload, id=dataset_id), most)


def _told(rows: ShownRows, asked: RowsAsked) -> dict[str, str]:
    """What an answer says of its rows."""
    left = rows.left_out(asked)
    return {"as-of": repr(asked.as_of), "open-rows": str(left.open), "rows-without-context": str(left.without_context)}


async def _while_allowed(pieces: Iterator[bytes], parts: AppState, may_go_on: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """The pieces, for as long as the key is valid and the service runs; what ends before its last piece is cut off, and no file."""
    async for piece in iterate_in_threadpool(pieces):
        if parts.shutdown.is_set() or not await may_go_on():
            raise ConnectionAbortedError("The key has ended, or the service stops.")
        yield piece
