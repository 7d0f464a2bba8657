"""What a schedule does before it refreshes: it appends what was shown since the last run, and waits until that is checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from ihas.serving.capabilities import RowModel
from ihas_service.datasets.event_files import EventFile, best_form
from ihas_service.datasets.event_uploads import NoRowsError, event_file, event_upload
from ihas_service.errors import ConflictError
from ihas_service.settings import Settings
from ihas_service.storage.catalogue import DatasetState, NewVersion
from ihas_service.storage.positive import Positive
from ihas_service.storage.schedule_appends import append_for
from ihas_service.storage.schedule_settings import AppendedEvents
from ihas_service.storage.schedules import Schedule
from ihas_service.storage.shown_rows import RowsAsked, ShownRows
from ihas_service.storage.sql_store import SqlStore

LOG = structlog.get_logger(__name__)
RowsOf = Callable[[str, str, int], RowModel | None]
"""Of tenant, model and version: what rows look like; None where the model does not say."""


class _Ended(Exception):  # noqa: N818 - no error: it only undoes what was written
    """Another process ended the turn."""


def _knows_none(tenant: str, model: str, version: int) -> RowModel | None:
    del tenant, model, version
    return None


def _nothing_waits() -> None:
    return None


@dataclass(frozen=True)
class EventAppender:
    """Appends for schedules; several processes may do so at once.

    Attributes:
        store: of jobs and data sets.
        settings: of the service: its folder, and what a tenant's data sets may take.
        rows_of: what rows of a version look like.
        flush: writes down answers of this process that wait.
    """

    store: SqlStore
    settings: Settings
    rows_of: RowsOf = field(default_factory=lambda: _knows_none)
    flush: Callable[[], None] = field(default_factory=lambda: _nothing_waits)

    def ready(self, seen: Schedule, version: int, at: float) -> bool:
        """Whether the refresh of a due schedule may start: what was shown is appended and valid, or there was nothing to append.

        Args:
            seen: the schedule as it was read.
            version: that the refresh carries on.
            at: now, in seconds since 1970.

        Raises:
            ConflictError: the appended version was refused, or the data set takes no rows.
            QuotaError: there is no room for them.
        """
        if seen.settings.append_events is None or seen.running:
            return True
        if seen.append_version is not None:
            return self._checked(seen, seen.append_version)
        if self.store.checking(seen.settings.refresh.dataset_id):
            return False
        asked = rows_since(seen, seen.settings.append_events, at)
        if asked.since >= asked.end:
            return True
        self.flush()
        return self._append(seen, event_file(best_form(), self.rows_of(seen.tenant, seen.model, version), asked))

    def is_due(self, seen: Schedule, at: float) -> bool:
        """Whether what was shown is to be appended though no figure asks for a run; of a schedule with triggers."""
        asked = seen.settings.append_events
        if asked is None or seen.running:
            return False
        return seen.events_until is None or at - (seen.events_until + asked.window_s) >= asked.every_s

    def _checked(self, seen: Schedule, version: int) -> bool:
        """Whether the appended version is valid; False while it is being checked."""
        dataset_id = seen.settings.refresh.dataset_id
        found = next((one for one in self.store.dataset_versions(dataset_id, version + 1, 1) if one.version == version), None)
        if found is not None and found.state is DatasetState.VALIDATING and not self.store.job(str(found.job_id)).finished:
            return False
        if found is not None and found.state is DatasetState.VALID:
            return True
        why = "it was deleted" if found is None else str((found.error or {}).get("detail", "its check did not end"))
        law = f"Version {version} of data set {dataset_id}, with what was shown, is left out: {why}"
        raise ConflictError(
            f"{law} Its rows are those before {seen.events_until:,.0f} s since 1970: export and append what is right of them."
        )

    def _append(self, seen: Schedule, file: EventFile) -> bool:
        """Append the rows, whose check is then waited for; whether nothing is to be waited for, since there are none."""
        try:
            version = asyncio.run(self._appended(seen, file))
        except NoRowsError:
            return True
        except _Ended:
            return False
        LOG.info("a schedule appended what was shown", tenant=seen.tenant, model=seen.model, version=version)
        return False

    async def _appended(self, seen: Schedule, file: EventFile) -> int:
        dataset_id, most = seen.settings.refresh.dataset_id, self.settings.max_dataset_bytes_per_tenant
        async with event_upload(file, ShownRows(self.store), self.store, dataset_id, (self.settings.folder, most)) as upload:
            found = append_for(self.store, seen, NewVersion(dataset_id, upload, seen.actor), file.asked.end, most)
            if found is None:
                raise _Ended
            return found.version


def rows_since(seen: Schedule, asked: AppendedEvents, at: float) -> RowsAsked:
    """The rows whose windows have ended by now, since those of the last run."""
    since = asked.since if seen.events_until is None else max(asked.since, seen.events_until)
    return RowsAsked(seen.tenant, seen.model, since, at, at, asked.window_s, Positive.read(asked.positive))
