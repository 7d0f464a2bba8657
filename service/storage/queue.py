"""Which job begins next."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from service.states import RUNNING, JobState
from service.storage import job_rows, leases
from service.storage.job import Job, JobKind
from service.storage.locks import CLAIM_LOCK, one_at_a_time
from service.storage.silence import Sign
from service.storage.tables import JOBS


def take_next(connection: sa.Connection, worker: str, silent: Collection[Sign], max_attempts: int, max_running: int) -> Job | None:
    """Begin the next job, or fail it where `max_attempts` workers were lost with it.

    Tenants' jobs at work are counted under a lock that all claims take.

    Args:
        silent: signs of holders that count as lost; a job whose holder has shown another one meanwhile is not taken.
    """
    one_at_a_time(connection, CLAIM_LOCK)
    at_work = _at_work(silent)
    waiting = JOBS.c.state.in_({JobState.QUEUED} | RUNNING) & (JOBS.c.worker.is_(None) | leases.shows(silent))
    if max_running:
        waiting &= (JOBS.c.kind == JobKind.DATASET) | (at_work < max_running)
    searches_last = sa.case((JOBS.c.kind == JobKind.DATASET, 0), else_=sa.case((JOBS.c.kind == JobKind.ESTIMATE, 1), else_=2))
    order = (searches_last, JOBS.c.priority.desc(), at_work, JOBS.c.number)
    query = job_rows.select_jobs().where(waiting).order_by(*order).limit(1).with_for_update(skip_locked=True, of=JOBS)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _begin_or_fail(connection, job_rows.job_of(row), worker, max_attempts)


def _begin_or_fail(connection: sa.Connection, job: Job, worker: str, max_attempts: int) -> Job:
    times = len(leases.lost(job))
    if times < max_attempts:
        return leases.begin_attempt(connection, job, worker)
    detail = f"Workers were lost with it {times} times, and IHAS_MAX_ATTEMPTS is {max_attempts}; the last one in attempt {job.attempt}."
    return job_rows.fail(connection, job, {"code": "worker_lost", "detail": f"{detail} Resume it once the machine has what the run needs."})


def _at_work(silent: Collection[Sign]) -> sa.ScalarSelect[int]:
    """The tenant's jobs in the hands of workers that show signs of life."""
    other = JOBS.alias("other")
    held = (other.c.tenant == JOBS.c.tenant) & other.c.state.in_(RUNNING) & other.c.worker.is_not(None)
    return sa.select(sa.func.count()).select_from(other).where(held & ~leases.shows(silent, other)).scalar_subquery()
