"""Who holds which job, inside an open transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ihas_service.states import RUNNING, TERMINAL, JobStage, JobState
from ihas_service.storage import job_rows
from ihas_service.storage.job import Job
from ihas_service.storage.silence import Sign
from ihas_service.storage.tables import JOBS, database_now

HELD = JOBS.c.state.in_({JobState.QUEUED} | RUNNING) & JOBS.c.worker.is_not(None)
BEAT: Mapping[str, Any] = {"beats": JOBS.c.beats + 1, "heartbeat_at": database_now()}
LIVES = "The worker that seemed lost lives; its attempt does not count."
LET_GO = "Its worker lost touch with it; waits for another one."


def signs(connection: sa.Connection) -> Sequence[Sign]:
    """What the holders of all unfinished jobs show."""
    found = connection.execute(sa.select(JOBS.c.number, JOBS.c.token, JOBS.c.beats).where(HELD))
    return [Sign(*row) for row in found]


def shows(signs: Collection[Sign], table: Any = JOBS) -> sa.ColumnElement[bool]:
    """Whether a row of the table of jobs shows one of the signs still."""
    return sa.or_(
        sa.false(), *((table.c.number == one.number) & (table.c.token == one.token) & (table.c.beats == one.beats) for one in signs)
    )


def begin_attempt(connection: sa.Connection, job: Job, worker: str) -> Job:
    """Give a locked job to a worker, under a new token; whoever holds a running one counts as lost."""
    values: dict[str, Any] = {"worker": worker, "token": job.token + 1, "attempt": job.attempt + 1, "beats": 0, "eta_s": None}
    values |= {"lost": lost(job), "heartbeat_at": job.read_at, "started_at": job.started_at or job.read_at}
    return job_rows.change(connection, job, JobState.RUNNING, stage=JobStage.READING, message=f"Attempt {job.attempt + 1} began.", **values)


def lost(job: Job) -> list[str]:
    """Workers that counted as lost with the job, once the one that holds it does."""
    return [*job.lost, job.worker or "unknown"] if job.state in RUNNING else [*job.lost]


def let_go(connection: sa.Connection, worker: str) -> None:
    """Free every job that a worker holds, and give back the attempts of those with which it was wrongly taken for lost."""
    named = sa.cast(JOBS.c.lost, sa.Text).contains(worker, autoescape=True) & JOBS.c.state.not_in(TERMINAL)
    found = connection.execute(sa.select(JOBS.c.id).where((JOBS.c.worker == worker) | named).order_by(JOBS.c.number)).scalars().all()
    for job_id in found:
        _free(connection, _excuse(connection, job_rows.lock_job(connection, job_id), worker), worker)


def _excuse(connection: sa.Connection, job: Job, worker: str) -> Job:
    wrongly = job.lost.count(worker)
    if not wrongly or job.finished:
        return job
    values: dict[str, Any] = {"lost": [name for name in job.lost if name != worker], "attempt": job.attempt - wrongly}
    values["last_event"] = job.last_event + 1
    connection.execute(JOBS.update().where(JOBS.c.number == job.number).values(**values))
    excused = replace(job, **values)
    job_rows.append_event(connection, replace(excused, message=LIVES))
    return excused


def _free(connection: sa.Connection, job: Job, worker: str) -> None:
    if job.worker != worker:
        return
    if job.state in RUNNING:
        job_rows.queue_again(connection, job, LET_GO, attempt=job.attempt - 1)
    else:
        connection.execute(JOBS.update().where(JOBS.c.number == job.number).values(**job_rows.NO_HOLDER))
