"""Which job begins next."""

from __future__ import annotations

import sqlalchemy as sa

from service.storage import job_rows
from service.storage.job import RUNNING, Job, JobKind, JobState
from service.storage.locks import CLAIM_LOCK, one_at_a_time
from service.storage.tables import JOBS, database_now


def take_next(connection: sa.Connection, worker: str, lease_s: float, max_attempts: int, max_running: int) -> Job | None:
    """Begin the next job, or fail it where its last worker died in its last attempt.

    Tenants' jobs at work are counted under a lock that all claims take.
    """
    one_at_a_time(connection, CLAIM_LOCK)
    at_work = _at_work()
    free = JOBS.c.lease_until.is_(None) | (JOBS.c.lease_until < database_now())
    waiting = JOBS.c.state.in_({JobState.QUEUED} | RUNNING) & free
    if max_running:
        waiting &= (JOBS.c.kind == JobKind.DATASET) | (at_work < max_running)
    searches_last = sa.case((JOBS.c.kind == JobKind.DATASET, 0), else_=sa.case((JOBS.c.kind == JobKind.ESTIMATE, 1), else_=2))
    order = (searches_last, JOBS.c.priority.desc(), at_work, JOBS.c.number)
    query = job_rows.select_jobs().where(waiting).order_by(*order).limit(1).with_for_update(skip_locked=True, of=JOBS)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    job = job_rows.job_of(row)
    if job.attempt < max_attempts:
        return job_rows.begin_attempt(connection, job, worker, lease_s)
    detail = f"Its worker died in attempt {job.attempt} of {max_attempts}. Resume it once the machine has what the run needs."
    return job_rows.fail(connection, job, {"code": "worker_lost", "detail": detail})


def _at_work() -> sa.ScalarSelect[int]:
    """The tenant's jobs under a live lease."""
    other = JOBS.alias("other")
    alive = (other.c.tenant == JOBS.c.tenant) & other.c.state.in_(RUNNING) & (other.c.lease_until > database_now())
    return sa.select(sa.func.count()).select_from(other).where(alive).scalar_subquery()
