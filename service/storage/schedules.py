"""Schedules of models: the table, and a turn of a schedule, which starts its job and moves it on in one transaction, once.

Several processes look at the table. Each turn has a number; whoever ends one does so only while the number is still the one that it saw,
so that of all who see the same due time one makes the job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ihas_service.cron import next_time
from ihas_service.errors import PreconditionError, UnknownIdError
from ihas_service.states import UNFINISHED
from ihas_service.storage import job_rows
from ihas_service.storage.aliases import ANY
from ihas_service.storage.database import Database
from ihas_service.storage.job import Job, NewJob
from ihas_service.storage.plain_text import plain, plain_text
from ihas_service.storage.schedule_settings import ScheduleSettings
from ihas_service.storage.tables import JOBS, MODELS, SCHEDULES
from ihas_service.storage.version_numbers import hold_together

SHOWN_MISSED = 10
"""Missed times that are kept; all are counted."""
MAX_COUNT = 2**31 - 1
FRESH: Mapping[str, Any] = {"missed": 0, "missed_at": [], "skipped": 0, "skipped_at": None, "error": None, "error_at": None}
MOVED: Mapping[str, Any] = {"append_version": None}
S = SCHEDULES.c


@dataclass(frozen=True, slots=True)
class Schedule:
    """A model's schedule. Times are seconds since 1970 by the database's clock.

    Attributes:
        revision: grows with every change by a caller.
        actor: who made the last one, at `at`.
        turn: grows with every run, missed run and error.
        next_at: of `cron`, the next run; of triggers, the end of their pause.
        due_at: the time that the last run was for; None for a run that a figure started.
        ran_at: when the last run started.
        why: what started it.
        job_id: its job.
        missed: due times since the last change at which nothing ran because no process of the service did.
        missed_at: the latest of them, oldest first.
        skipped: due times at which the run before still waited or ran.
        skipped_at: the last of them.
        error: why the last run could not start; None where it could.
        events_until: rows before this time were appended to the data set; None where none were.
        append_version: version of the data set that is being checked, for whose end the refresh waits; None where none is.
        job_state: state of the last run's job; None where it never ran, or was deleted.
        job_error: of that job, where it failed.
    """

    tenant: str
    model: str
    revision: int
    settings: ScheduleSettings
    actor: str
    at: float
    turn: int
    next_at: float
    due_at: float | None = None
    ran_at: float | None = None
    why: str = ""
    job_id: str | None = None
    missed: int = 0
    missed_at: Sequence[float] = ()
    skipped: int = 0
    skipped_at: float | None = None
    error: str | None = None
    error_at: float | None = None
    events_until: float | None = None
    append_version: int | None = None
    job_state: str | None = None
    job_error: Mapping[str, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether the last run's job waits or runs."""
        return self.job_state in UNFINISHED


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of a schedule at a due time.

    Attributes:
        at: now.
        next_at: the schedule's next time.
        due_at: the time that is due; None where a figure asks.
        why: what asks, for a person.
        missed: due times before `due_at` that nothing ran for.
    """

    at: float
    next_at: float
    due_at: float | None
    why: str
    missed: Sequence[float] = ()


class Schedules:
    """The table of schedules; safe to use from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._database.now()

    def get(self, tenant: str, model: str) -> Schedule:
        """A model's schedule.

        Raises:
            UnknownIdError: it has none.
        """
        for row in self._database.read(_select().where(_same(tenant, model))):
            return _schedule(row)
        raise _unknown(model)

    def of_tenant(self, tenant: str, after: str, limit: int) -> Sequence[Schedule]:
        """A tenant's schedules by name of the model, those after a name."""
        query = _select().where(S.tenant == tenant, S.model > after).order_by(S.model).limit(limit)
        return [_schedule(row) for row in self._database.read(query)]

    def due(self, at: float) -> Sequence[tuple[str, str]]:
        """Tenant and model of schedules whose next time is `at` or before, the longest overdue first."""
        query = sa.select(S.tenant, S.model).where(S.next_at <= at).order_by(S.next_at, S.tenant, S.model)
        return [(row["tenant"], row["model"]) for row in self._database.read(query)]

    def put(self, schedule: Schedule, expected: int = ANY, at: float | None = None) -> Schedule:
        """Make a schedule that of its model; `revision`, `turn` and times are set here. What the last run was stays.

        Args:
            schedule: with settings and actor.
            expected: revision that the present one must have, 0 for none.
            at: now; by the database's clock by default.

        Raises:
            PreconditionError: the revision in force is not the expected one.
            UnknownIdError: there is no such model.
        """

        def write(connection: sa.Connection) -> None:
            _check_model(connection, schedule)
            known = (S.revision, S.turn, S.ran_at, S.settings)
            found = connection.execute(sa.select(*known).where(_of(schedule)).with_for_update()).one_or_none()
            revision = 0 if found is None else found.revision
            if expected not in (ANY, revision):
                told = f"has revision {revision}, but the change expects {expected}"
                raise PreconditionError(f"The schedule of model {schedule.model!r} {told}. Read it again.")
            now = job_rows.now(connection) if at is None else at
            turn, ran_at = (0, None) if found is None else (found.turn, found.ran_at)
            values = {"revision": revision + 1, "turn": turn + 1, "next_at": _first_time(schedule.settings, now, ran_at)}
            values |= {"settings": plain(schedule.settings.model_dump(mode="json")), "actor": schedule.actor, "at": now, **FRESH, **MOVED}
            if found is not None and _dataset_of(found.settings) != schedule.settings.refresh.dataset_id:
                values["events_until"] = None
            if found is None:
                connection.execute(SCHEDULES.insert().values(tenant=schedule.tenant, model=schedule.model, why="", **values))
            else:
                connection.execute(SCHEDULES.update().where(_of(schedule)).values(**values))

        self._database.write(write)
        return self.get(schedule.tenant, schedule.model)

    def delete(self, tenant: str, model: str) -> None:
        """Delete a schedule; the job that it started last goes on.

        Raises:
            UnknownIdError: there is none.
        """
        query = SCHEDULES.delete().where(_same(tenant, model))
        if self._database.write(lambda connection: connection.execute(query).rowcount) == 0:
            raise _unknown(model)

    def start(self, seen: Schedule, turn: Turn, new: NewJob, limits: tuple[int, int] = (0, 0)) -> Job | None:
        """Queue the job of a turn and move the schedule on, in one transaction; None where another process did, or where the run before
        still waits or runs, which is told.

        Args:
            seen: the schedule as it was read.
            turn: what is due.
            new: the job.
            limits: most jobs of the tenant that wait, and most bytes; 0 for no limit.

        Raises:
            ConflictError, QuotaError, TooManyError: as `JobStore.submit`; the schedule is as it was.
        """

        def write(connection: sa.Connection) -> Job | None:
            found = locked(connection, seen)
            if found is None:
                return None
            if found.running:
                _skip(connection, found, turn)
                return None
            job = job_rows.submit(connection, new, *limits)
            ran = {"due_at": turn.due_at, "ran_at": turn.at, "why": plain_text(turn.why), "job_id": job.id}
            _move(connection, found, turn, **ran, error=None, error_at=None)
            return job

        return self._database.write(write)

    def refuse(self, seen: Schedule, turn: Turn, error: str) -> bool:
        """Say why a turn starts nothing, and move the schedule on; False where another process ended the turn."""

        def write(connection: sa.Connection) -> bool:
            found = locked(connection, seen)
            if found is None:
                return False
            _move(connection, found, turn, error=plain_text(error), error_at=turn.at)
            return True

        return self._database.write(write)


def _first_time(settings: ScheduleSettings, now: float, ran_at: float | None) -> float:
    """The next time of new settings; a change does not shorten the pause after a run."""
    if settings.triggers is None:
        return next_time(str(settings.cron), settings.zone, now)
    return now if ran_at is None else max(now, ran_at + settings.triggers.pause_s)


def _check_model(connection: sa.Connection, schedule: Schedule) -> None:
    """Let the model not be deleted before the transaction ends, and check that it is there."""
    hold_together(connection, schedule.tenant, schedule.model)
    there = sa.select(MODELS.c.version).where(MODELS.c.tenant == schedule.tenant, MODELS.c.name == schedule.model).limit(1)
    if connection.execute(there).first() is None:
        raise UnknownIdError(f"There is no model {schedule.model!r}.")


def locked(connection: sa.Connection, seen: Schedule) -> Schedule | None:
    """The schedule, which nobody else moves before the transaction ends; None where its turn has ended, or it was deleted."""
    own = _of(seen) & (S.turn == seen.turn) & (S.revision == seen.revision) & (S.at == seen.at)
    if connection.execute(sa.select(S.turn).where(own).with_for_update()).first() is None:
        return None
    return _schedule(connection.execute(_select().where(_of(seen))).mappings().one())


def _dataset_of(settings: Mapping[str, Any]) -> str:
    return str(settings["refresh"]["dataset_id"])


def _skip(connection: sa.Connection, found: Schedule, turn: Turn) -> None:
    """Pass a due time over; a figure that asks while a run is under way is looked at again after it."""
    if turn.due_at is not None:
        _move(connection, found, turn, skipped=min(found.skipped + 1, MAX_COUNT), skipped_at=turn.due_at)


def _move(connection: sa.Connection, found: Schedule, turn: Turn, **values: Any) -> None:
    missed = [*found.missed_at, *turn.missed][-SHOWN_MISSED:]
    counted = {"missed": min(found.missed + len(turn.missed), MAX_COUNT), "missed_at": missed}
    connection.execute(SCHEDULES.update().where(_of(found)).values(turn=found.turn + 1, next_at=turn.next_at, **counted, **MOVED, **values))


def _select() -> sa.Select[Any]:
    """Schedules with the state of their last jobs."""
    of_job = (JOBS.c.state.label("job_state"), JOBS.c.error.label("job_error"))
    return sa.select(SCHEDULES, *of_job).select_from(SCHEDULES.outerjoin(JOBS, JOBS.c.id == S.job_id))


def _schedule(row: sa.RowMapping) -> Schedule:
    found = Schedule(**row)
    return replace(found, settings=ScheduleSettings.model_validate(row["settings"], strict=False))


def _of(schedule: Schedule) -> sa.ColumnElement[bool]:
    return _same(schedule.tenant, schedule.model)


def _same(tenant: str, model: str) -> sa.ColumnElement[bool]:
    return (S.tenant == tenant) & (S.model == model)


def _unknown(model: str) -> UnknownIdError:
    return UnknownIdError(f"Model {model!r} has no schedule. Make one: PUT /v1/models/{model}/schedule.")
