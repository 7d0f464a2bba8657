"""Figures that triggers ask for: how a data set has grown, how served rows are routed, how often people click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ihas.data.growth import Changes
from ihas_service.errors import UnknownIdError
from ihas_service.storage.catalogue import DatasetState, DatasetVersion, ModelVersion
from ihas_service.storage.feedback import Feedback
from ihas_service.storage.schedule_settings import Triggers
from ihas_service.storage.schedules import Schedule
from ihas_service.storage.sql_store import SqlStore

MAX_VERSIONS = 200
"""Versions of a data set among which the newest valid one is looked for."""
MAX_REPORTS = 20
"""Newest versions whose drift is read."""
ServedDrift = Callable[[str, str, int], tuple[int, float] | None]
"""Of tenant, model and version: rows that this process served, and the drift of their groups; None where it knows none."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a model and its data set.

    Attributes:
        newer: whether the data set has a valid version that is newer than the one learnt from.
        new_rows: rows of the newest valid version beyond those of the one learnt from.
        drift: largest population stability index of a field beyond what chance gives, and the field; None where no field has one.
        served: rows that this process served, and the drift of their groups; None where it knows none.
        impressions: of the version that serves.
        clicks: likewise.
    """

    newer: bool
    new_rows: int = 0
    drift: tuple[float, str] | None = None
    served: tuple[int, float] | None = None
    impressions: int = 0
    clicks: int = 0


def asked_by(triggers: Triggers, found: Figures, appends: bool = False) -> str | None:
    """What asks for a run, in words with the figures; None where nothing does.

    Args:
        triggers: figures that may ask.
        found: the figures.
        appends: whether rows may be appended before the run, so that it may be asked for without newer ones.
    """
    if not found.newer and not appends:
        return None
    if triggers.new_rows is not None and found.new_rows >= triggers.new_rows:
        return f"{found.new_rows:,} new rows (new_rows {triggers.new_rows:,})."
    if triggers.drift_above is not None:
        if found.drift is not None and found.drift[0] > triggers.drift_above:
            return f"Appended rows drift by {found.drift[0]:.3f} in {found.drift[1]!r} (drift_above {triggers.drift_above:g})."
        if found.served is not None and found.served[0] >= triggers.impressions and found.served[1] > triggers.drift_above:
            rows, drift = found.served
            return f"Groups of {rows:,} served rows drift by {drift:.3f} (drift_above {triggers.drift_above:g})."
    if triggers.click_through_below is not None and found.impressions >= triggers.impressions:
        rate = found.clicks / found.impressions
        if rate < triggers.click_through_below:
            of = f"{found.clicks:,} clicks of {found.impressions:,} impressions"
            return f"{of} are {rate:.4f} (click_through_below {triggers.click_through_below:g})."
    return None


class FigureReader:
    """Reads figures of schedules."""

    def __init__(self, store: SqlStore, feedback: Feedback, served_drift: ServedDrift) -> None:
        self._store, self._feedback, self._served_drift = store, feedback, served_drift

    def figures(self, schedule: Schedule, triggers: Triggers) -> Figures:
        """Figures of a model now, as far as its triggers ask for them; of its data set only where it has a newer version.

        Raises:
            UnknownIdError: the data set does not exist.
        """
        dataset_id, base = schedule.settings.refresh.dataset_id, self._learnt_from(schedule)
        newest = _valid(self._store.dataset_versions(dataset_id, None, MAX_VERSIONS))
        serving = self._store.serving_version(schedule.tenant, schedule.model)
        if newest is None or newest.version <= base:
            appends = schedule.settings.append_events is not None
            return Figures(False, 0, None, *self._served(serving, triggers)) if appends else Figures(newer=False)
        before = _valid(self._store.dataset_versions(dataset_id, base + 1, MAX_VERSIONS)) if base else None
        new_rows = (newest.rows or 0) - (0 if before is None else before.rows or 0)
        drift = self._drift(dataset_id, base) if triggers.drift_above is not None else None
        return Figures(True, new_rows, drift, *self._served(serving, triggers))

    def _learnt_from(self, schedule: Schedule) -> int:
        """Newest version of the data set that the version that serves, or the schedule's last run, has read; 0 for none."""
        serving = self._store.serving_version(schedule.tenant, schedule.model)
        jobs = [schedule.job_id, None if serving is None else serving.job_id]
        return max(self._read_by(job_id, schedule.settings.refresh.dataset_id) for job_id in jobs)

    def _read_by(self, job_id: str | None, dataset_id: str) -> int:
        try:
            job = None if job_id is None else self._store.job(job_id)
        except UnknownIdError:
            return 0
        return 0 if job is None or job.dataset_id != dataset_id else job.data_version

    def _drift(self, dataset_id: str, base: int) -> tuple[float, str] | None:
        """The largest drift of a field among versions after `base`."""
        versions = self._store.dataset_versions(dataset_id, None, MAX_REPORTS)
        newer = [one.version for one in versions if one.version > base and one.state is DatasetState.VALID]
        found = [drift for version in newer for drift in self._drifts(dataset_id, version)]
        return max(found, default=None)

    def _drifts(self, dataset_id: str, version: int) -> list[tuple[float, str]]:
        report = self._store.dataset(dataset_id, version).report or {}
        if report.get("changes") is None:
            return []
        changes = Changes.model_validate(report["changes"], strict=False)
        return [(field.drift, field.column) for field in changes.fields if field.drift > field.by_chance]

    def _served(self, serving: ModelVersion | None, triggers: Triggers) -> tuple[tuple[int, float] | None, int, int]:
        """Rows and drift of served rows, impressions and clicks of the version that serves."""
        if serving is None:
            return None, 0, 0
        tenant, model, version = serving.tenant, serving.name, serving.version
        drift = self._served_drift(tenant, model, version) if triggers.drift_above is not None else None
        if triggers.click_through_below is None:
            return drift, 0, 0
        counts = [one for one in self._feedback.counts(tenant, model, triggers.within_s) if one.version == version]
        return drift, sum(one.impressions for one in counts), sum(one.clicks for one in counts)


def _valid(versions: Sequence[DatasetVersion]) -> DatasetVersion | None:
    """The newest valid one of versions that are listed newest first."""
    return next((one for one in versions if one.state is DatasetState.VALID), None)
