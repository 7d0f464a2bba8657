"""The job table on SQLAlchemy: SQLite, or PostgreSQL by URL."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ihas_pipelines.runs.progress import Progress
from ihas_service.errors import ConflictError, LostLeaseError, UnknownIdError
from ihas_service.states import RUNNING, JobStage, JobState
from ihas_service.storage import dataset_versions, job_rows, leases
from ihas_service.storage.catalogue import DatasetState, ModelVersion, NewBundle
from ihas_service.storage.item_fields import ItemFieldRows
from ihas_service.storage.job import OWN_KINDS, Event, Job, JobKind, NewJob
from ihas_service.storage.job_store import NOTHING
from ihas_service.storage.plain_text import plain
from ihas_service.storage.promotion import fate_of
from ihas_service.storage.promotion_settings import Release
from ihas_service.storage.queue import ClaimRules, take_next
from ihas_service.storage.silence import Silence
from ihas_service.storage.sql_catalogue import SqlCatalogue, register_version
from ihas_service.storage.tables import DATASETS, EVENTS, JOBS, MODELS
from ihas_service.storage.tenants import LOCAL
from ihas_service.storage.version_numbers import next_number


class SqlStore(SqlCatalogue):
    """`JobStore` on a relational database; the laws are written there.

    A job's row is locked before it is read for a change: by `for update` or, under SQLite, by the one writer's lock.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            url: of the database, as SQLAlchemy writes it.
            clock: seconds since any moment, by which other workers' silence is judged; never runs backwards.
        """
        super().__init__(url)
        self._silence = Silence(clock)

    def submit(self, new: NewJob, max_queued: int = 0, max_bytes: int = 0) -> Job:
        """As `JobStore` says."""
        return self.write(lambda connection: job_rows.submit(connection, new, max_queued, max_bytes))

    def job(self, job_id: str) -> Job:
        """As `JobStore` says."""
        found = self.read(job_rows.select_jobs().where(JOBS.c.id == job_id))
        if not found:
            raise UnknownIdError(f"There is no job {job_id!r}.")
        return job_rows.job_of(found[0])

    def jobs(self, kind: JobKind, before: int | None, limit: int, tenant: str = LOCAL, also: Sequence[JobKind] = ()) -> Sequence[Job]:
        """As `JobStore` says."""
        own = JOBS.c.kind.in_([one.name for one in (kind, *also)]) & (JOBS.c.tenant == tenant)
        query = job_rows.select_jobs().where(own).order_by(JOBS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(JOBS.c.number < before)
        return [job_rows.job_of(row) for row in self.read(query)]

    def claim(
        self, worker: str, lease_s: float, max_attempts: int, max_running: int = 0, kinds: Sequence[JobKind] = OWN_KINDS
    ) -> Job | None:
        """As `JobStore` says."""
        rules = ClaimRules(max_attempts, max_running, tuple(kinds))

        def take(connection: sa.Connection) -> Job | None:
            silent = self._silence.look(leases.signs(connection), lease_s)
            return take_next(connection, worker, silent, rules)

        while True:
            job = self.write(take)
            if job is None or not job.finished:
                return job

    def look(self, lease_s: float) -> None:
        """As `JobStore` says."""
        with self._reads.begin() as connection:
            self._silence.look(leases.signs(connection), lease_s)

    def renew(self, job_id: str, token: int) -> None:
        """As `JobStore` says."""
        query = JOBS.update().where(_owned(job_id, token)).values(**leases.BEAT)
        if self.write(lambda connection: connection.execute(query).rowcount) == 0:
            raise LostLeaseError(f"Job {job_id} is no longer under token {token}.")

    def owns(self, job_id: str, token: int) -> bool:
        """As `JobStore` says."""
        return bool(self.read(sa.select(JOBS.c.number).where(_owned(job_id, token))))

    def record(self, job_id: str, token: int, progress: Progress) -> None:
        """As `JobStore` says."""
        values = {"fraction": progress.fraction, "eta_s": progress.eta_s, "message": progress.message}

        def write(connection: sa.Connection) -> None:
            job = job_rows.lock_owned(connection, job_id, token)
            job_rows.change(connection, job, JobState.RUNNING, progress.metrics, stage=JobStage(progress.stage), **values)

        self.write(write)

    def succeed(
        self, job_id: str, token: int, bundle: str, facts: Mapping[str, Any] = NOTHING, release: Release | None = None
    ) -> ModelVersion:
        """As `JobStore` says."""

        def write(connection: sa.Connection) -> ModelVersion:
            job = job_rows.lock_owned(connection, job_id, token)
            number = next_number(connection, job.tenant, job.name)  # before the fate: of two first versions the second waits here
            fate = fate_of(connection, job.tenant, job.name, release)
            version = register_version(connection, job, number, NewBundle(bundle, facts), fate)
            _succeed(
                connection, job, f"Registered as version {version.version} of {version.name}{fate.words}", model_version=version.version
            )
            return version

        return self.write(write)

    def accept_dataset(self, job_id: str, token: int, report: Mapping[str, Any], sha256: str | None = None) -> None:
        """As `JobStore` says."""

        def write(connection: sa.Connection) -> None:
            job = job_rows.lock_owned(connection, job_id, token)
            if job.data_version > 1:
                dataset_versions.accept(connection, job.id, report, sha256)
                _succeed(connection, job, f"Version {job.data_version} of the data set may be searched on.")
                return
            values = {"state": DatasetState.VALID, "report": plain(dict(report)), "sha256": sa.func.coalesce(DATASETS.c.sha256, sha256)}
            connection.execute(DATASETS.update().where(DATASETS.c.id == job.dataset_id).values(**values))
            _succeed(connection, job, "The data set may be searched on.")

        self.write(write)

    def weigh(self, job_id: str, size: int) -> None:
        """As `JobStore` says."""
        bundles = sa.select(sa.func.coalesce(sa.func.sum(MODELS.c.bytes), 0)).where(MODELS.c.job_id == job_id).scalar_subquery()
        query = JOBS.update().where(JOBS.c.id == job_id).values(bytes=sa.case((bundles < size, size - bundles), else_=0))
        self.write(lambda connection: connection.execute(query))

    def finish(self, job_id: str, token: int, message: str) -> None:
        """As `JobStore` says."""
        self.write(lambda connection: _succeed(connection, job_rows.lock_owned(connection, job_id, token), message))

    def fail(self, job_id: str, token: int, error: Mapping[str, Any], report: Mapping[str, Any] | None = None) -> None:
        """As `JobStore` says."""
        self.write(lambda connection: job_rows.fail(connection, job_rows.lock_owned(connection, job_id, token), error, report))

    def lose_attempt(self, job_id: str, token: int, error: Mapping[str, Any], max_attempts: int) -> Job:
        """As `JobStore` says."""

        def write(connection: sa.Connection) -> Job:
            job = job_rows.lock_owned(connection, job_id, token)
            if job.attempt - len(job.lost) >= max_attempts:
                return job_rows.fail(connection, job, error)
            return job_rows.queue_again(
                connection, job, f"Attempt {job.attempt} of {max_attempts + len(job.lost)} broke off: {error['detail']}"
            )

        return self.write(write)

    def release(self, job_id: str, token: int, why: str = "Its worker stops; waits for another one.") -> Job:
        """As `JobStore` says."""

        def write(connection: sa.Connection) -> Job:
            job = job_rows.lock_owned(connection, job_id, token)
            return job_rows.queue_again(connection, job, why, attempt=job.attempt - 1)

        return self.write(write)

    def let_go(self, worker: str) -> None:
        """As `JobStore` says."""
        self.write(lambda connection: leases.let_go(connection, worker))

    def cancel(self, job_id: str) -> Job:
        """As `JobStore` says."""

        def write(connection: sa.Connection) -> Job:
            job = job_rows.lock_job(connection, job_id)
            values: dict[str, Any] = {"token": job.token + 1, "eta_s": None}
            return job_rows.change(connection, job, JobState.CANCELLED, message="Cancelled.", **values)

        return self.write(write)

    def resume(self, job_id: str) -> Job:
        """As `JobStore` says."""

        def write(connection: sa.Connection) -> Job:
            job = job_rows.lock_job(connection, job_id)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise ConflictError(f"Job {job_id} is {job.state}; only a failed or cancelled job can be resumed.")
            job_rows.check_data_there(connection, job.dataset_id, job.dataset_version)
            values: dict[str, Any] = {"token": job.token + 1, "attempt": 0, "lost": [], "error": None, "finished_at": None}
            return job_rows.change(connection, job, JobState.QUEUED, message="Resumed; waits for a worker.", stage=None, **values)

        return self.write(write)

    def events(self, job_id: str, after: int, limit: int) -> Sequence[Event]:
        """As `JobStore` says."""
        query = sa.select(EVENTS).where(EVENTS.c.job_id == job_id, EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
        return [job_rows.event_of(row) for row in self.read(query)]

    def put_items(self, tenant: str, model: str) -> Mapping[str, Mapping[str, Any]]:
        """As `JobStore` says."""
        return dict(ItemFieldRows(self).changed((tenant, model), 0))

    def counts(self) -> Mapping[JobState, int]:
        """As `JobStore` says."""
        found = self.read(sa.select(JOBS.c.state, sa.func.count().label("jobs")).group_by(JOBS.c.state))
        return dict.fromkeys(JobState, 0) | {JobState(row["state"]): int(row["jobs"]) for row in found}

    def stages(self) -> Mapping[JobStage, int]:
        """As `JobStore` says."""
        running = JOBS.c.state.in_(RUNNING)
        found = self.read(sa.select(JOBS.c.stage, sa.func.count().label("jobs")).where(running).group_by(JOBS.c.stage))
        return dict.fromkeys(JobStage, 0) | {JobStage(row["stage"]): int(row["jobs"]) for row in found}

    def children(self) -> int:
        """As `JobStore` says."""
        running = JOBS.c.state.in_(RUNNING) & JOBS.c.worker.is_not(None)
        return int(self.read(sa.select(sa.func.count().label("jobs")).select_from(JOBS).where(running))[0]["jobs"])


def _owned(job_id: str, token: int) -> sa.ColumnElement[bool]:
    return (JOBS.c.id == job_id) & (JOBS.c.token == token) & JOBS.c.state.in_(RUNNING)


def _succeed(connection: sa.Connection, job: Job, message: str, **values: Any) -> None:
    job_rows.change(connection, job, JobState.SUCCEEDED, message=message, fraction=1.0, eta_s=None, **job_rows.NO_HOLDER, **values)
