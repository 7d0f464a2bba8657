"""Heartbeats for a job while its child runs; stops the child if the job was cancelled or taken over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum
from types import TracebackType

import structlog

from ihas_service.errors import LostLeaseError
from ihas_service.jobs.child import Child
from ihas_service.settings import Settings
from ihas_service.storage.job import Job
from ihas_service.storage.job_store import JobStore

LOOK_S = 0.25
LOG = structlog.get_logger(__name__)


class Verdict(Enum):
    """Why the child was stopped."""

    LOST = "lost"
    """Cancelled, taken over, or the database was out of reach for as long as a lease."""
    STOPPING = "stopping"
    """The worker itself is to stop."""
    STALLED = "stalled"
    """Somebody stopped the child, and nobody let it go on for as long as a lease: it would keep the job for ever."""


class Watch:
    """A thread that lives as long as the `with` block: while the child runs, and while what it left is published and written down.

    Attributes:
        verdict: why the child was stopped; None while it was not.
    """

    def __init__(
        self,
        store: JobStore,
        job: Job,
        child: Child,
        settings: Settings,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            stop: set when the worker is to stop.
            clock: seconds since any moment; never runs backwards.
        """
        self.verdict: Verdict | None = None
        self._store, self._job, self._child, self._stop = store, job, child, stop
        self._lease_s, self._heartbeat_s, self._clock = settings.lease_s, settings.heartbeat_s, clock
        self._renewed = self._went_on = clock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{job.id}")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not self._child.ended:
            self._child.stop()
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_S):
            verdict = self._look()
            if verdict is not None and self.verdict is None and not self._child.ended:
                self.verdict = verdict
                LOG.info("stopping the child", job=self._job.id, reason=verdict.value)
                self._child.stop()

    def _look(self) -> Verdict | None:
        if self._stop.is_set() and not self._child.ended:
            return Verdict.STOPPING
        if self._stalled():
            return Verdict.STALLED
        try:
            return None if self._still_ours() else Verdict.LOST
        except LostLeaseError:
            return Verdict.LOST
        except Exception as error:  # the database is out of reach, or its driver raises what it likes: the heart must beat on
            LOG.warning("the database is out of reach", job=self._job.id, error=str(error))
            return Verdict.LOST if self._clock() - self._renewed > self._lease_s else None

    def _still_ours(self) -> bool:
        now = self._clock()
        if now - self._renewed < self._heartbeat_s:
            return self._store.owns(self._job.id, self._job.token)
        self._store.renew(self._job.id, self._job.token)
        self._renewed = now
        self._store.look(self._lease_s)
        return True

    def _stalled(self) -> bool:
        now = self._clock()
        if self._child.ended or not self._child.stopped:
            self._went_on = now
        return now - self._went_on > self._lease_s
