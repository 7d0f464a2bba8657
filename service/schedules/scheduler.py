"""What starts scheduled refreshes: every process of the service looks each minute, and each due time makes one job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog

from ihas.errors import IhasError
from ihas_service.cron import MIN_GAP_S, due_times, next_time
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.jobs.refresh_jobs import RefreshAsked, refresh_job
from ihas_service.schedules.event_append import EventAppender
from ihas_service.schedules.figures import FigureReader, ServedDrift, asked_by
from ihas_service.settings import Settings
from ihas_service.storage.catalogue import Dataset, DatasetState, ModelVersion
from ihas_service.storage.feedback import Feedback
from ihas_service.storage.job import Job, NewJob
from ihas_service.storage.schedule_appends import settle
from ihas_service.storage.schedule_settings import Triggers
from ihas_service.storage.schedules import Schedule, Schedules, Turn
from ihas_service.storage.sql_store import SqlStore

LOG = structlog.get_logger(__name__)


class Scheduler:
    """Looks at schedules and starts what is due; several processes may do so at once."""

    def __init__(
        self, store: SqlStore, settings: Settings, served_drift: ServedDrift = lambda *_: None, appender: EventAppender | None = None
    ) -> None:
        """
        Args:
            store: of jobs and schedules.
            settings: of the service: its folder, and the limits of a tenant's jobs.
            served_drift: drift of the groups of rows that this process serves.
            appender: appends what was shown before a refresh; one that knows no model by default.
        """
        self._appender = appender or EventAppender(store, settings)
        self._store, self._settings, self._schedules = store, settings, Schedules(store)
        self._figures = FigureReader(store, Feedback(store), served_drift)

    def look(self, at: float | None = None) -> Sequence[Job]:
        """Start what is due; the jobs that this call made.

        Args:
            at: now, in seconds since 1970; by the database's clock by default.
        """
        now = self._schedules.now() if at is None else at
        found = [self._looked_at(tenant, model, now) for tenant, model in self._schedules.due(now)]
        return [job for job in found if job is not None]

    def _looked_at(self, tenant: str, model: str, at: float) -> Job | None:
        try:
            job = self._run(self._schedules.get(tenant, model), at)
        except Exception as error:  # one schedule holds up no other one; it is still due a minute later
            LOG.warning("a schedule could not be looked at", tenant=tenant, model=model, error=f"{type(error).__name__}: {error}")
            return None
        if job is not None:
            LOG.info("a schedule started a refresh", tenant=tenant, model=model, job=job.id)
        return job

    def _run(self, seen: Schedule, at: float) -> Job | None:
        """Start a schedule's job, if it is due; why it cannot start is told with the schedule."""
        if seen.next_at > at:
            return None
        try:
            turn = self._turn(seen, at)
            if turn is None:
                return None
            if seen.settings.triggers is None and not self._appended(seen, at):
                return None
            limits = (self._settings.max_queued_per_tenant, self._settings.max_search_bytes_per_tenant)
            return self._schedules.start(seen, turn, scheduled_job(self._store, self._settings.folder, seen), limits)
        except IhasError as error:
            LOG.warning("a schedule could not start its refresh", tenant=seen.tenant, model=seen.model, error=str(error))
            self._schedules.refuse(seen, self._due(seen, at) or Turn(at, at + MIN_GAP_S, None, ""), str(error))
            return None

    def _appended(self, seen: Schedule, at: float) -> bool:
        """Whether what was shown is appended, where the schedule says so; nothing is appended for a refresh that could not start."""
        if seen.settings.append_events is None:
            return True
        scheduled_job(self._store, self._settings.folder, seen)
        return self._appender.ready(seen, carried_on(self._store, seen).version, at)

    def _turn(self, seen: Schedule, at: float) -> Turn | None:
        triggers = seen.settings.triggers
        if triggers is None:
            return self._due(seen, at)
        if seen.running:
            return None
        why = self._asked(seen, triggers) if seen.settings.append_events is None else self._asked_after_appending(seen, triggers, at)
        return None if why is None else Turn(at, at + triggers.pause_s, None, why)

    def _asked(self, seen: Schedule, triggers: Triggers) -> str | None:
        return asked_by(triggers, self._figures.figures(seen, triggers))

    def _asked_after_appending(self, seen: Schedule, triggers: Triggers, at: float) -> str | None:
        """What asks for a run of a schedule that appends what was shown: rows come first, are checked, then figures are looked at again.

        Rows that came while a version was being checked wait for the next time, so that a run is not put off for ever.
        """
        if seen.append_version is not None:
            if not self._appended(seen, at):
                return None
            why = self._asked(seen, triggers)
            if why is None:
                settle(self._store, seen)
            return why
        figures = self._figures.figures(seen, triggers)
        why = asked_by(triggers, figures, appends=True)
        if why is None and not self._appender.is_due(seen, at):
            return None
        if not self._appended(seen, at):
            return None
        return why if figures.newer else None

    def _due(self, seen: Schedule, at: float) -> Turn | None:
        """The turn of a due time: its latest one runs, those before were missed; None of triggers."""
        cron, zone = seen.settings.cron, seen.settings.zone
        if cron is None:
            return None
        *missed, due = due_times(cron, zone, seen.next_at, at)
        return Turn(at, next_time(cron, zone, at), due, f"cron {cron} in {zone}.", missed)


def scheduled_job(store: SqlStore, folder: Path, schedule: Schedule) -> NewJob:
    """The refresh that a schedule starts, of the version that serves, or of the newest one where none serves.

    Args:
        store: of jobs.
        folder: the service's.
        schedule: with tenant, model and settings.

    Raises:
        UnknownIdError: there is no such model, or no such data set of the tenant.
        ConflictError: the data set cannot be learnt from, or the version can no longer be carried on.
    """
    asked = schedule.settings.refresh
    stated = RefreshAsked(asked.settings, asked.window, asked.auto_promote, asked.priority)
    base = carried_on(store, schedule)
    return refresh_job(store, folder, base, _dataset(store, schedule), stated)


def carried_on(store: SqlStore, schedule: Schedule) -> ModelVersion:
    """The version that a schedule refreshes: the one that serves, or the newest where none does.

    Raises:
        UnknownIdError: there is no such model.
    """
    serving = store.serving_version(schedule.tenant, schedule.model)
    versions = [serving] if serving is not None else store.versions(schedule.model, schedule.tenant)
    if not versions:
        raise UnknownIdError(f"There is no model {schedule.model!r}.")
    return versions[0]


def _dataset(store: SqlStore, schedule: Schedule) -> Dataset:
    """The newest valid version of the data set."""
    dataset = store.dataset(schedule.settings.refresh.dataset_id)
    if dataset.tenant != schedule.tenant or dataset.deleted_at is not None:
        raise UnknownIdError(f"There is no data set {dataset.id!r}. Name another one in the schedule.")
    if dataset.state is not DatasetState.VALID or not dataset.labelled:
        what = f"is {dataset.state}" if dataset.labelled else "has no label"
        raise ConflictError(f"Data set {dataset.id} {what}; a refresh needs a valid one with a label.")
    return dataset
