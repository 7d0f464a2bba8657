"""What has become old, and what is left over: lists, some at a time, for whoever removes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from ihas_service.states import TERMINAL, UNFINISHED
from ihas_service.storage import job_rows
from ihas_service.storage.database import Database
from ihas_service.storage.job import BATCH, DATASET, ESTIMATE, TRAINING_NAMES, Job
from ihas_service.storage.tables import DATASET_VERSIONS, DATASETS, JOBS, SCHEDULES, database_now

PAGE = 100


class Old(NamedTuple):
    """A search or a data set that is old.

    Attributes:
        number: place in its table.
        state: of a search, or of a data set.
    """

    number: int
    tenant: str
    id: str
    state: str


class Expiry:
    """Lists of what is old; each method gives a page of entries above a number, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def old_searches(self, kept_s: float, after: int) -> Sequence[Old]:
        """Searches that ended more than so many seconds ago, but for those whose stages were removed."""
        old = JOBS.c.kind.in_(TRAINING_NAMES) & (JOBS.c.finished_at < database_now() - kept_s) & ~JOBS.c.emptied
        return self._page(JOBS, old & JOBS.c.state.in_(TERMINAL), after)

    def unused_datasets(self, kept_s: float, after: int) -> Sequence[Old]:
        """Uploaded data sets that are so many seconds old, and that no schedule and no job names but checks, the last of them as old."""
        cutoff = database_now() - kept_s
        used = (JOBS.c.kind != DATASET.name) | (JOBS.c.created_at >= cutoff) | JOBS.c.state.in_(UNFINISHED)
        unused = ~sa.exists().where((JOBS.c.dataset_id == DATASETS.c.id) & used)
        named = SCHEDULES.c.settings[("refresh", "dataset_id")].as_string()
        scheduled = sa.exists().where((SCHEDULES.c.tenant == DATASETS.c.tenant) & (named == DATASETS.c.id))
        there = DATASETS.c.deleted_at.is_(None) & ~DATASETS.c.referenced & (DATASETS.c.created_at < cutoff)
        return self._page(DATASETS, there & unused & ~scheduled, after)

    def unweighed(self, after: int) -> Sequence[Job]:
        """Finished jobs whose folder nobody has added up: of an older release, or of a worker that was killed."""
        kinds = JOBS.c.kind.in_([*TRAINING_NAMES, ESTIMATE.name, BATCH.name])
        waiting = kinds & JOBS.c.finished_at.is_not(None) & JOBS.c.bytes.is_(None) & JOBS.c.state.in_(TERMINAL)
        query = job_rows.select_jobs().where(waiting & (JOBS.c.number > after)).order_by(JOBS.c.number).limit(PAGE)
        return [job_rows.job_of(row) for row in self._database.read(query)]

    def purge(self, settle_s: float) -> int:
        """Remove the rows of data sets that were deleted so many seconds ago and that no search names any more; how many."""
        named = sa.exists().where((JOBS.c.dataset_id == DATASETS.c.id) & (JOBS.c.kind != DATASET.name))
        query = sa.select(DATASETS.c.id).where((DATASETS.c.deleted_at < database_now() - settle_s) & ~named).limit(PAGE)

        def write(connection: sa.Connection) -> int:
            gone = connection.execute(query.with_for_update(skip_locked=True)).scalars().all()
            job_rows.delete_jobs(connection, sa.select(JOBS.c.id).where(JOBS.c.dataset_id.in_(gone)))
            connection.execute(DATASET_VERSIONS.delete().where(DATASET_VERSIONS.c.dataset_id.in_(gone)))
            connection.execute(DATASETS.delete().where(DATASETS.c.id.in_(gone)))
            return len(gone)

        return self._database.write(write)

    def _page(self, table: sa.Table, which: sa.ColumnElement[bool], after: int) -> Sequence[Old]:
        columns = [table.c[name] for name in Old._fields]
        query = sa.select(*columns).where(which & (table.c.number > after)).order_by(table.c.number).limit(PAGE)
        return [Old(**row) for row in self._database.read(query)]
