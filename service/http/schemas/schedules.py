"""Requests and responses about schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ihas.config.base import Config
from ihas_service.http.schemas.searches import Moment, moment
from ihas_service.states import JobState
from ihas_service.storage.schedule_settings import ScheduleSettings
from ihas_service.storage.schedules import Schedule


class SchedulePublic(Config):
    """When a model is refreshed by itself, and what came of it."""

    model: str
    """Name of the model."""
    settings: ScheduleSettings
    """When, and what runs."""
    revision: int
    """Number of changes; the `ETag` of the answer."""
    actor: str
    """Actor of the last change."""
    changed_at: Moment
    """Time of the last change."""
    next_at: Moment
    """Time of the next run; of triggers, the time from which their figures are looked at."""
    last_at: Moment | None
    """Time at which the last run was queued; absent before the first."""
    last_due_at: Moment | None
    """Time that the last run was due; absent where a figure started it."""
    last_why: str
    """What started the last run: the expression, or the figure."""
    last_job_id: str | None
    """Job of the last run, at `/v1/searches/{id}`."""
    last_job_state: JobState | None
    """Its state; absent where it was deleted."""
    last_error: dict[str, Any] | None
    """Why the last run could not start (`code` is `not_started`, with `at`), or failed: `code` and `detail`; absent where neither is so."""
    missed: int
    """Due times since the last change at which nothing ran because the service did not. Of several, only the latest runs, once it is
    back, and is not counted."""
    missed_at: tuple[Moment, ...]
    """The latest ten of them, oldest first."""
    skipped: int
    """Due times since the last change that were passed over because the run before still waited or ran."""
    skipped_at: Moment | None
    """The latest of them."""
    events_until: Moment | None
    """With `append_events`: what was shown before this time was appended; absent before the first time."""
    append_version: int | None
    """Version of the data set whose check the refresh waits for; absent where it waits for none."""

    @classmethod
    def of(cls, schedule: Schedule) -> Self:
        """The wire form of a schedule."""
        return cls(
            **{name: getattr(schedule, name) for name in ("model", "settings", "revision", "actor", "missed", "skipped", "append_version")},
            changed_at=moment(schedule.at),
            next_at=moment(schedule.next_at),
            last_at=moment(schedule.ran_at),
            last_due_at=moment(schedule.due_at),
            last_why=schedule.why,
            last_job_id=schedule.job_id,
            last_job_state=None if schedule.job_state is None else JobState(schedule.job_state),
            last_error=_error(schedule),
            missed_at=tuple(map(moment, schedule.missed_at)),
            skipped_at=moment(schedule.skipped_at),
            events_until=moment(schedule.events_until),
        )


class SchedulesPublic(Config):
    """A page of schedules."""

    schedules: tuple[SchedulePublic, ...]
    """By name of the model."""
    next_cursor: str | None
    """Cursor of the next page; absent on the last page."""

    @classmethod
    def of(cls, found: Sequence[Schedule], limit: int) -> Self:
        """The wire form of a page."""
        return cls(schedules=tuple(map(SchedulePublic.of, found)), next_cursor=found[-1].model if len(found) == limit else None)


def _error(schedule: Schedule) -> dict[str, Any] | None:
    if schedule.error is not None:
        return {"code": "not_started", "detail": schedule.error, "at": moment(schedule.error_at).isoformat()}
    if schedule.job_error is None or schedule.job_state != JobState.FAILED:
        return None
    return {name: schedule.job_error[name] for name in ("code", "detail") if name in schedule.job_error}
