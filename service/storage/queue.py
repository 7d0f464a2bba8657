"""Which job begins next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ihas_service.states import RUNNING, JobState
from ihas_service.storage import job_rows, leases
from ihas_service.storage.job import Job, JobKind
from ihas_service.storage.locks import CLAIM_LOCK, one_at_a_time
from ihas_service.storage.silence import Sign
from ihas_service.storage.tables import JOBS


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Which jobs a claim may begin; see `JobStore.claim`."""

    max_attempts: int
    max_running: int
    kinds: tuple[JobKind, ...]


def take_next(connection: sa.Connection, worker: str, silent: Collection[Sign], rules: ClaimRules) -> Job | None:
    """Begin the next job, or fail it where `max_attempts` workers were lost with it.

    Tenants' jobs at work are counted under a lock that all claims take.

    Args:
        silent: signs of holders that count as lost; a job whose holder has shown another one meanwhile is not taken.
    """
    one_at_a_time(connection, CLAIM_LOCK)
    at_work = _at_work(silent)
    waiting = JOBS.c.state.in_({JobState.QUEUED} | RUNNING) & (JOBS.c.worker.is_(None) | leases.shows(silent))
    waiting &= JOBS.c.kind.in_([kind.name for kind in rules.kinds])
    if rules.max_running:
        waiting &= JOBS.c.kind.in_([kind.name for kind in rules.kinds if not kind.limited]) | (at_work < rules.max_running)
    rank = sa.case({kind.name: kind.rank for kind in rules.kinds}, value=JOBS.c.kind)
    order = (rank, JOBS.c.priority.desc(), at_work, JOBS.c.number)
    query = job_rows.select_jobs().where(waiting).order_by(*order).limit(1).with_for_update(skip_locked=True, of=JOBS)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _begin_or_fail(connection, job_rows.job_of(row), worker, rules.max_attempts)


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
