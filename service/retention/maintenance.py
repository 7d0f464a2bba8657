"""Maintenance: starts scheduled refreshes, removes files of what was deleted, and what has become older than the settings keep it, and
ends experiments as their rules say; a thread of every API process.

Whatever it does may be done by several processes, and again after one was killed: lists of what is to go are in the database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import structlog

from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.jobs.runs import batch_folder, estimate_folder, folder_bytes, search_folder
from ihas_service.models.experiments.trial import TrialRules
from ihas_service.schedules.scheduler import Scheduler
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.bundle_store import Artefacts, removable
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.expiry import Expiry, Old
from ihas_service.storage.job import BATCH, ESTIMATE, TRAINING_NAMES, Job
from ihas_service.storage.removals import Deleted, Removals
from ihas_service.storage.sql_store import SqlStore

LOOK_S = 60.0
"""Seconds between two looks at the list of files that are to go."""
EXPIRY_EVERY_S = 3_600.0
FOLDERS = dict.fromkeys(TRAINING_NAMES, search_folder) | {ESTIMATE.name: estimate_folder, BATCH.name: batch_folder}
MIN_SETTLE_S = 120.0
LOG = structlog.get_logger(__name__)


class Maintenance:
    """A thread that starts what is due, removes what is to go, and ends what is decided."""

    def __init__(self, store: SqlStore, settings: Settings, scheduler: Scheduler | None = None) -> None:
        self._store, self._settings = store, settings
        self._removals, self._deletions, self._expiry = Removals(store), Deletions(store), Expiry(store)
        self._trials, self._scheduler = TrialRules(store), scheduler or Scheduler(store, settings)
        self._artefacts = Artefacts(settings.folder, settings.artefacts_url)
        self._settle_s = max(MIN_SETTLE_S, 2 * settings.lease_s)
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name="maintenance", daemon=True)

    def start(self) -> None:
        """Begin with what is left over."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; what it has not removed stays on the list."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def remove(self, deleted: Deleted) -> Deleted:
        """Remove the files of what was deleted from the service's folder; the store of bundles follows in the thread."""
        for path in deleted.paths:
            self._try(lambda path=path: self._artefacts.remove_here(path))  # type: ignore[misc]
        for job_id in deleted.job_ids:
            self._try(lambda job_id=job_id: self._weigh(self._store.job(job_id)))  # type: ignore[misc]
        self._wake.set()
        return deleted

    def sweep(self) -> None:
        """Remove what is on the list, here and in the store; what was removed and has settled is crossed off."""
        last = 0
        while found := self._removals.after(last, self._settle_s):
            for one in found:
                gone = self._try(lambda path=one.path: self._remove_everywhere(path))  # type: ignore[misc]
                if (gone or not removable(one.path)) and one.settled:
                    self._removals.cross_off(one.number)
                if self._stop.is_set():
                    return
            last = found[-1].number

    def schedule(self) -> None:
        """Start scheduled refreshes that are due."""
        self._scheduler.look()

    def decide(self) -> None:
        """Stop or promote canaries whose experiments say so."""
        self._trials.apply()

    def expire(self) -> None:
        """Delete what is older than the settings keep it, one thing a transaction, and add up folders that nobody added up."""
        if self._settings.searches_kept_s:
            for old in self._pages(lambda last: self._expiry.old_searches(self._settings.searches_kept_s, last)):
                self._expired(lambda old=old: self._old_search(old))  # type: ignore[misc]
        if self._settings.unused_datasets_kept_s:
            for old in self._pages(lambda last: self._expiry.unused_datasets(self._settings.unused_datasets_kept_s, last)):
                self._expired(lambda old=old: self._deletions.dataset(old.tenant, old.id))  # type: ignore[misc]
        while self._expiry.purge(self._settle_s) and not self._stop.is_set():
            pass
        last = 0
        while (found := self._expiry.unweighed(last)) and not self._stop.is_set():
            for job in found:
                self._weigh(job)
            last = found[-1].number

    def _old_search(self, old: Old) -> Deleted:
        if old.state == JobState.SUCCEEDED:
            return self._deletions.empty(old.id)
        return self._deletions.search(old.tenant, old.id)

    def _expired(self, delete: Callable[[], Deleted]) -> None:
        """Delete one thing, unless it came into use, or went, meanwhile."""
        try:
            deleted = delete()
        except (ConflictError, UnknownIdError):
            return
        LOG.info("removed what was old", paths=deleted.paths)
        self.remove(deleted)

    def _pages(self, page: Callable[[int], Sequence[Old]]) -> Iterator[Old]:
        last = 0
        while (found := page(last)) and not self._stop.is_set():
            yield from found
            last = found[-1].number

    def _weigh(self, job: Job) -> None:
        self._store.weigh(job.id, folder_bytes(FOLDERS[job.kind](self._settings.folder, job.id)))

    def _remove_everywhere(self, path: str) -> None:
        self._artefacts.remove_here(path)
        self._artefacts.remove_there(path)

    def _try(self, work: Callable[[], None]) -> bool:
        """Do something that is done again later if it fails; whether it was done."""
        try:
            work()
        except Exception as error:  # a file system, a store or the database is away; the list says what to do later
            LOG.warning("maintenance could not do its work; it is tried again", error=f"{type(error).__name__}: {error}")
            return False
        return True

    def _keep_up(self) -> None:
        expired = float("-inf")
        while not self._stop.is_set():
            self._wake.clear()
            self._try(self.schedule)
            self._try(self.sweep)
            self._try(self.decide)
            if time.monotonic() - expired > EXPIRY_EVERY_S:
                expired = time.monotonic()
                self._try(self.expire)
            self._wake.wait(LOOK_S)
