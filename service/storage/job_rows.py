"""Changes of one job's rows inside an open transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from ihas_service.errors import ConflictError, KeyReusedError, LostLeaseError, TooManyError, UnknownIdError
from ihas_service.ids import new_id
from ihas_service.states import RUNNING, TERMINAL, JobStage, JobState
from ihas_service.storage import dataset_versions, quotas
from ihas_service.storage.catalogue import DatasetState
from ihas_service.storage.job import Event, Job, NewJob, check_transition
from ihas_service.storage.locks import ROOM_LOCK, one_at_a_time
from ihas_service.storage.plain_text import plain
from ihas_service.storage.tables import DATASETS, EVENTS, JOBS, database_now

ROOM_S = 60.0
NO_HOLDER: Mapping[str, Any] = {"worker": None}


def select_jobs() -> sa.Select[Any]:
    """Jobs together with the time of reading."""
    return sa.select(JOBS, database_now().label("read_at"))


def job_of(row: sa.RowMapping) -> Job:
    """The job of a row of `select_jobs`."""
    values = dict(row)
    return Job(**{**values, **_standing(values)})


def event_of(row: sa.RowMapping) -> Event:
    """The event of a row of its table."""
    values = dict(row)
    return Event(**{**values, **_standing(values)})


def _standing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": JobState(values["state"]), "stage": None if values["stage"] is None else JobStage(values["stage"])}


def now(connection: sa.Connection) -> float:
    """Seconds since 1970 by the database's clock."""
    return float(connection.execute(sa.select(database_now())).scalar_one())


def lock_job(connection: sa.Connection, job_id: str) -> Job:
    """The job, which no other transaction changes before this one ends.

    Raises:
        UnknownIdError: no such job.
    """
    row = connection.execute(select_jobs().where(JOBS.c.id == job_id).with_for_update()).mappings().one_or_none()
    if row is None:
        raise UnknownIdError(f"There is no job {job_id!r}.")
    return job_of(row)


def lock_owned(connection: sa.Connection, job_id: str, token: int) -> Job:
    """The job, locked, for the worker whose token it is.

    Raises:
        LostLeaseError: the job is no longer the caller's.
    """
    try:
        job = lock_job(connection, job_id)
    except UnknownIdError as error:
        raise LostLeaseError(f"Job {job_id} was deleted.") from error
    if job.token != token or job.state not in RUNNING:
        raise LostLeaseError(f"Job {job_id} is {job.state} under token {job.token}; token {token} may not write to it.")
    return job


def submit(connection: sa.Connection, new: NewJob, max_queued: int = 0, max_bytes: int = 0) -> Job:
    """As `JobStore.submit` says."""
    known = same_request(connection, new)
    if known is not None:
        return known
    check_data_there(connection, new.dataset_id, new.dataset_version)
    if max_bytes:
        quotas.search_room(connection, new.tenant, max_bytes).check(1)
    return insert_job(connection, new, max_queued)


def insert_job(connection: sa.Connection, new: NewJob, max_queued: int = 0) -> Job:
    """Queue a job, or find the one that the same key and body queued before.

    Raises:
        KeyReusedError: the key came before, with another body.
        TooManyError: as many of the tenant's jobs wait as may.
    """
    known = same_request(connection, new)
    if known is not None:
        return known
    if max_queued:
        _check_room(connection, new.tenant, max_queued)
    job_id = new_id(new.kind.prefix)
    values = {**asdict(new), "kind": new.kind.name, "id": job_id, **_at_first(now(connection))}
    connection.execute(JOBS.insert().values(**values))
    job = lock_job(connection, job_id)
    append_event(connection, job)
    return job


def _check_room(connection: sa.Connection, tenant: str, max_queued: int) -> None:
    """Count under a lock of the tenant's."""
    one_at_a_time(connection, ROOM_LOCK, sa.func.hashtext(tenant))
    waiting = (JOBS.c.tenant == tenant) & (JOBS.c.state == JobState.QUEUED)
    found = connection.execute(sa.select(sa.func.count()).select_from(JOBS).where(waiting)).scalar_one()
    if found >= max_queued:
        raise TooManyError(
            f"{found} searches of this tenant are queued, the maximum is {max_queued}. Cancel one, or wait until one has started.", ROOM_S
        )


def same_request(connection: sa.Connection, new: NewJob) -> Job | None:
    """The job that the same key and body queued before, if there is one.

    Raises:
        KeyReusedError: the key came before, with another body.
    """
    if new.key is None:
        return None
    same = (JOBS.c.key == new.key) & (JOBS.c.tenant == new.tenant)
    row = connection.execute(select_jobs().where(same)).mappings().one_or_none()
    if row is None:
        return None
    job = job_of(row)
    if job.body_hash != new.body_hash:
        raise KeyReusedError(f"Idempotency key {new.key!r} was used with another body. Use a new key for a new request.")
    return job


def check_data_there(connection: sa.Connection, dataset_id: str, version: int | None) -> None:
    """Let a version of a data set not be deleted before the transaction ends, and check that it was not.

    Raises:
        ConflictError: it was.
    """
    query = sa.select(DATASETS.c.deleted_at).where(DATASETS.c.id == dataset_id).with_for_update(read=True)
    if connection.execute(query).scalar() is not None:
        raise ConflictError(f"Data set {dataset_id} was deleted. Upload it again, and submit a new search.")
    dataset_versions.check_there(connection, dataset_id, version)


def _at_first(at: float) -> dict[str, Any]:
    state = {"state": JobState.QUEUED, "message": "Waits for a worker.", "fraction": 0.0}
    return {**state, "token": 0, "attempt": 0, "beats": 0, "lost": [], "last_event": 1, "created_at": at}


def change(connection: sa.Connection, job: Job, state: JobState, metrics: Mapping[str, float] | None = None, **values: Any) -> Job:
    """Bring a locked job into a state, with other columns' new values, and append the event that says so.

    Raises:
        ConflictError: the state may not follow the job's.
    """
    check_transition(job.state, state)
    if state in TERMINAL:
        values["finished_at"] = job.read_at
    values |= {"state": state, "last_event": job.last_event + 1}
    values |= {name: plain(values[name]) for name in ("message", "error") if name in values}
    connection.execute(JOBS.update().where(JOBS.c.number == job.number).values(**values))
    changed = replace(job, **values)
    append_event(connection, changed, metrics)
    return changed


def append_event(connection: sa.Connection, job: Job, metrics: Mapping[str, float] | None = None) -> Event:
    """Write down how the job is now, under the number `last_event`."""
    shown = {name: getattr(job, name) for name in ("state", "stage", "attempt", "fraction", "eta_s", "message", "error")}
    event = Event(job_id=job.id, id=job.last_event, at=job.read_at, metrics=dict(metrics or {}), **shown)
    connection.execute(EVENTS.insert().values(**asdict(event)))
    return event


def queue_again(connection: sa.Connection, job: Job, message: str, **values: Any) -> Job:
    """Queue a locked job again, free for everybody."""
    return change(connection, job, JobState.QUEUED, message=message, stage=None, eta_s=None, **NO_HOLDER, **values)


def fail(connection: sa.Connection, job: Job, error: Mapping[str, Any], report: Mapping[str, Any] | None = None) -> Job:
    """Finish a locked job as failed; the data set, or the version of one, that it checks becomes invalid."""
    values = {"state": DatasetState.INVALID, "report": plain(report), "error": plain(dict(error))}
    connection.execute(DATASETS.update().where(DATASETS.c.job_id == job.id).values(**values))
    dataset_versions.refuse(connection, job.id, error, report)
    message = str(error.get("detail", "Failed."))
    return change(connection, job, JobState.FAILED, message=message, error=dict(error), eta_s=None, **NO_HOLDER)


def delete_jobs(connection: sa.Connection, which: sa.Select[tuple[str]]) -> None:
    """Remove jobs and their events."""
    ids = connection.execute(which).scalars().all()
    connection.execute(EVENTS.delete().where(EVENTS.c.job_id.in_(ids)))
    connection.execute(JOBS.delete().where(JOBS.c.id.in_(ids)))
