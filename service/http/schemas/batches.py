"""Requests and responses about batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from ihas.config.base import Config
from ihas_service.http.schemas.searches import DatasetVersionNumber, Moment, moment
from ihas_service.states import JobState
from ihas_service.storage.job import Job


class BatchItems(Config):
    """Which items are recommended for each row."""

    k: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Items a row."""
    filter: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    """Condition on item fields, as in a recommendation."""


class BatchCreate(Config):
    """Rows to answer."""

    dataset_id: str
    """A valid data set; with `labelled: false` it needs no label."""
    dataset_version: DatasetVersionNumber | None = None
    """Version of the data set; by default the newest valid one."""
    version: DatasetVersionNumber | None = None
    """Version of the model; by default the one that answers now."""
    items: BatchItems | None = None
    """If set, items are recommended for each row, whose context fields are read; otherwise rows are scored."""


class BatchPublic(Config):
    """A batch."""

    id: str
    """Id, used in paths."""
    model: str
    """Name of the model."""
    version: int
    """Version that answers."""
    dataset_id: str
    """Data set of the rows."""
    dataset_version: int
    """Its version."""
    items: BatchItems | None
    """Which items are recommended; absent where rows are scored."""
    state: JobState
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    progress: float
    """Share of the rows that are answered, 0 to 1."""
    eta_s: float | None
    """Estimated seconds until the end."""
    message: str
    """Current activity, for people."""
    error: dict[str, Any] | None
    """Reason of the failure; names the row."""
    bytes: int | None
    """Bytes that it keeps, once it has ended."""
    created_at: Moment
    """Time of submission."""
    finished_at: Moment | None
    """Time at which it ended."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """The wire form of a batch."""
        names = ("id", "dataset_id", "state", "eta_s", "message", "error", "bytes")
        asked: dict[str, Any] = {"version": job.settings["version"], "items": job.settings.get("items")}
        times = {name: moment(getattr(job, name)) for name in ("created_at", "finished_at")}
        shown = {name: getattr(job, name) for name in names}
        return cls(**shown, **times, **asked, model=job.name, dataset_version=job.data_version, progress=job.fraction)


class BatchesPublic(Config):
    """A page of batches, newest first."""

    batches: tuple[BatchPublic, ...]
    """The page."""
    next_cursor: int | None
    """Cursor of the next page; absent on the last page."""

    @classmethod
    def of(cls, found: Sequence[Job], limit: int) -> Self:
        """The wire form of a page."""
        return cls(batches=tuple(map(BatchPublic.of, found)), next_cursor=found[-1].number if len(found) == limit else None)
