"""The worker: claims one job at a time and runs it in a child process."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from ihas.errors import is_disk_full
from ihas_pipelines.runs.progress import Outcome, follow
from ihas_service.errors import LostLeaseError, StoreError
from ihas_service.jobs.child import Child
from ihas_service.jobs.handlers.handler import JobContext, JobHandler, Run
from ihas_service.jobs.handlers.publishing import stored
from ihas_service.jobs.handlers.registry import JOB_KINDS, job_kinds
from ihas_service.jobs.runs import PIPELINES, folder_bytes
from ihas_service.jobs.watch import Verdict, Watch
from ihas_service.jobs.wording import public_error, see_log
from ihas_service.observability.tracing import Traces, traces_of
from ihas_service.settings import Settings
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import DATASET, Job
from ihas_service.storage.job_files import JobFiles
from ihas_service.storage.job_store import JobStore
from ihas_service.storage.outage import is_outage
from ihas_service.storage.sql_store import SqlStore

DISK_FULL = {"code": "disk", "detail": "The disk of the worker is full. Finished stages are kept: free space on it, then resume the job."}
LOG = structlog.get_logger(__name__)


def run_worker(settings: Settings, stop: threading.Event, command: Sequence[str] = PIPELINES) -> None:
    """Carry out jobs until `stop` is set; a job that is under way then is queued again.

    Args:
        settings: of the service.
        stop: ends the worker.
        command: start of the children's command line.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    store = SqlStore(settings.url)
    traces = traces_of(settings, "ihas-worker")
    worker = Worker(store, settings, stop, command, traces)
    LOG.info("worker started", worker=worker.name)
    try:
        while not stop.is_set():
            if not worker.work():
                stop.wait(settings.poll_s)
    finally:
        store.close()
        if traces is not None:
            traces.close()
        LOG.info("worker stopped", worker=worker.name)


@dataclass(frozen=True, slots=True)
class Ended:
    """A job whose child has ended.

    Attributes:
        run: what the child was.
        outcome: its last line; None if it died without one.
        code: exit code, below 0 for a signal.
    """

    job: Job
    handler: JobHandler
    run: Run
    outcome: Outcome | None
    code: int


class Worker:
    """One process's share of the work.

    Attributes:
        name: unique to this process, so that a restarted worker is another one.
    """

    def __init__(
        self, store: JobStore, settings: Settings, stop: threading.Event, command: Sequence[str], traces: Traces | None = None
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._store, self._settings, self._stop, self._traces = store, settings, stop, traces
        self._context = JobContext(store, settings, command, stop)
        self._may_hold_one = False

    def work(self) -> bool:
        """Carry out the next job; False where nothing waits or the database is out of reach. No job ends its worker."""
        try:
            job = self._claim()
            if job is None:
                return False
            LOG.info("claimed", job=job.id, kind=job.kind, attempt=job.attempt, token=job.token)
            with self._traced(job):
                self._carry_out(job)
            self._weigh(job)
        except Exception as error:
            if is_outage(error):
                LOG.warning("the database is out of reach", error=str(error))
            else:
                LOG.exception("a job broke off in the worker")
            self._may_hold_one = True
            return False
        return True

    def _claim(self) -> Job | None:
        """The next job; whatever the database thinks this worker holds from before, it does not."""
        if self._may_hold_one:
            self._let_go()
        limits = self._settings
        return self._store.claim(self.name, limits.lease_s, limits.max_attempts, limits.max_running_per_tenant, job_kinds())

    def _let_go(self) -> None:
        self._may_hold_one = True
        self._store.let_go(self.name)
        self._may_hold_one = False

    def _traced(self, job: Job) -> AbstractContextManager[object]:
        """A span for one attempt, below the one that submitted the job."""
        if self._traces is None:
            return nullcontext()
        known = {"ihas.job.id": job.id, "ihas.job.kind": str(job.kind), "ihas.job.attempt": job.attempt}
        return self._traces.span(f"job {job.kind}", job.traceparent, "consumer", known)

    def _carry_out(self, job: Job) -> None:
        try:
            self._try(job)
        except LostLeaseError as error:
            LOG.info("the job is no longer ours", job=job.id, reason=str(error))
            self._let_go()

    def _try(self, job: Job) -> None:
        try:
            self._run(job)
        except Exception as error:  # a handler, or a library that one calls, raises what it likes: it costs an attempt, not the worker
            if isinstance(error, LostLeaseError) or is_outage(error):
                raise
            LOG.exception("the run could not be carried out", job=job.id)
            if is_disk_full(error):
                self._store.fail(job.id, job.token, DISK_FULL)
                return
            detail = f"The run could not be started ({type(error).__name__}). {see_log(job)}"
            self._lose_attempt(job, {"code": "machine", "detail": detail})

    def _run(self, job: Job) -> None:
        dataset, handler = self._store.dataset(job.dataset_id, job.data_version), JOB_KINDS[job.kind]
        run = handler.prepare(job, dataset, self._context)
        child = Child(run.argv, run.log)
        try:
            with Watch(self._store, job, child, self._settings, self._stop) as watch:
                outcome = _for_everybody(self._follow(job, child), job, dataset, self._settings.folder)
                code = child.wait()
                LOG.info("the child ended", job=job.id, code=code)
                if code != 0:
                    self._show_log(job, handler)
                self._settle(Ended(job, handler, run, outcome, code), child, watch)
        finally:
            child.close()

    def _follow(self, job: Job, child: Child) -> Outcome | None:
        """Record the progress lines of the child until it closes its output; its last line."""
        return follow(child, lambda progress: self._store.record(job.id, job.token, progress))

    def _settle(self, ended: Ended, child: Child, watch: Watch) -> None:
        """Write down what the child's end means."""
        job, outcome = ended.job, ended.outcome
        final = ended.handler.error_of_signal(-ended.code)
        if watch.verdict is Verdict.LOST:
            raise LostLeaseError("its child was stopped")
        if outcome is not None and outcome.outcome == "succeeded" and ended.code == 0:
            if stored(job, partial(self._show, job, ended.handler), self._context):
                ended.handler.succeed(job, ended.run, outcome, self._context)
        elif watch.verdict is Verdict.STOPPING:
            self._store.release(job.id, job.token)
        elif outcome is not None and outcome.error is not None and outcome.error.get("code") == "busy":
            self._store.release(job.id, job.token, "An earlier attempt still holds the run folder; waits for it to end.")
        elif outcome is not None and outcome.error is not None and outcome.error.get("code") == "machine":
            self._lose_attempt(job, {name: str(value) for name, value in outcome.error.items()})
        elif outcome is not None and outcome.outcome == "failed":
            LOG.warning("the run failed", job=job.id, error=outcome.error, log=child.log_tail())
            error = outcome.error or {"code": "internal", "detail": f"The run failed and did not say why. {see_log(job)}"}
            self._store.fail(job.id, job.token, error, outcome.report)
        elif watch.verdict is Verdict.STALLED:
            self._lose_attempt(job, {"code": "crash", "detail": f"The run was stopped (SIGSTOP) and did not go on. {see_log(job)}"})
        elif final is not None:
            self._store.fail(job.id, job.token, final)
        else:
            LOG.warning("the child died", job=job.id, code=ended.code, log=child.log_tail())
            self._lose_attempt(job, _crash(ended.code, job))

    def _show(self, job: Job, handler: JobHandler) -> None:
        """Let every API show what the job left, whatever its folder."""
        settings = self._settings
        JobFiles(settings.folder, settings.artefacts_url).show(handler.folder(settings.folder, job), handler.shown)

    def _show_log(self, job: Job, handler: JobHandler) -> None:
        """The same for a job that did not succeed, as far as the store is there."""
        try:
            self._show(job, handler)
        except StoreError as error:
            LOG.warning("the log of a job is in this worker's folder alone", job=job.id, error=str(error))

    def _weigh(self, job: Job) -> None:
        """Write down what the job's folder takes; that of a data set is counted with its file."""
        if job.kind != DATASET.name:
            self._store.weigh(job.id, folder_bytes(JOB_KINDS[job.kind].folder(self._settings.folder, job)))

    def _lose_attempt(self, job: Job, error: dict[str, str]) -> None:
        after = self._store.lose_attempt(job.id, job.token, error, self._settings.max_attempts)
        LOG.warning("the attempt broke off", job=job.id, attempt=job.attempt, state=after.state, error=error["detail"])


def _for_everybody(outcome: Outcome | None, job: Job, dataset: Dataset, folder: Path) -> Outcome | None:
    if outcome is None or outcome.error is None:
        return outcome
    return outcome.model_copy(update={"error": public_error(outcome.error, job, dataset, folder)})


def _crash(code: int, job: Job) -> dict[str, str]:
    how = f"on signal {-code} ({_signal_name(-code)})" if code < 0 else f"with exit code {code}"
    return {"code": "crash", "detail": f"The run ended {how} before it was finished. {see_log(job)}"}


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in {known.value for known in signal.Signals} else "unknown"
