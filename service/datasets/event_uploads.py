"""What was shown as a file in the folder of a data set, as if it had been uploaded; for whoever asks, and for schedules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from ihas.serving.capabilities import RowModel
from ihas_service.datasets.event_files import EventFile, FileForm
from ihas_service.datasets.event_rows import EventRows
from ihas_service.datasets.uploads import received, within
from ihas_service.errors import ConflictError
from ihas_service.storage.catalogue import Catalogue, Upload
from ihas_service.storage.shown_rows import LeftOut, RowsAsked, ShownRows


class NoRowsError(ConflictError):
    """Nothing was shown of which a row could be made."""


def event_file(form: FileForm, model: RowModel | None, asked: RowsAsked, details: bool = False) -> EventFile:
    """The file of a model's rows.

    Args:
        form: its format.
        model: says what rows look like; None of a model that does not.
        asked: which rows.
        details: whether rows say where and by what an item was shown.

    Raises:
        ConflictError: the model does not say what its rows look like, or predicts numbers, which feedback does not have.
    """
    if model is None:
        law = f"Model {asked.model!r} does not say what its rows look like, so what it showed cannot become rows"
        raise ConflictError(f"{law}. Use another one.")
    if model.schema.label_range is not None:
        law = f"Model {asked.model!r} predicts the number `{model.schema.label}`, but feedback says clicks, so what it showed has no label"
        raise ConflictError(f"{law}. Append rows with the number to its table.")
    return EventFile(form, EventRows(model, details), asked)


@asynccontextmanager
async def event_upload(
    file: EventFile, rows: ShownRows, store: Catalogue, dataset_id: str, where: tuple[Path, int]
) -> AsyncIterator[Upload]:
    """The rows as a file in the folder of a data set; if the block fails, it is gone.

    Args:
        file: what is written.
        rows: where its rows are.
        store: of data sets.
        dataset_id: of the data set.
        where: the service's folder, and the bytes that a tenant's data sets may take; 0 for no limit.

    Raises:
        NoRowsError: there are no rows.
        QuotaError: the tenant's files would take more than they may.
    """
    folder, most = where
    shown = file.rows.trained_on(rows.rows(file.asked))
    first = await run_in_threadpool(next, shown, None)
    if first is None:
        left = await run_in_threadpool(rows.left_out, file.asked)
        raise NoRowsError(_no_rows(file.asked, left))
    room = await run_in_threadpool(store.dataset_room, file.asked.tenant, most)
    room.check(1)
    pieces = iterate_in_threadpool(file.pieces(chain([first], shown)))
    async with received(within(pieces, room), dataset_id, file.form, folder) as upload:
        yield upload


def _no_rows(asked: RowsAsked, left: LeftOut) -> str:
    law = f"A data set needs rows, but nothing of model {asked.model!r} was shown in this period whose window has ended"
    hints = f"{left.open} rows wait for theirs (`open`), and {left.without_context} have no context"
    return f"{law}; {hints}. Report events, or ask for another period."
