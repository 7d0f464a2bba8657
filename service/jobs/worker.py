"""The worker: claims one job at a time and carries it out in a child process."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ihas.errors import is_disk_full
from pipelines.runs.progress import Outcome, follow
from service.errors import LostLeaseError
from service.jobs.child import Child
from service.jobs.runs import PIPELINES, Run, bundle_facts, check_limits, prepare
from service.jobs.watch import Verdict, Watch
from service.jobs.wording import public_error, see_log
from service.observability.tracing import Traces, traces_of
from service.settings import Settings
from service.storage.bundle_store import Artefacts
from service.storage.catalogue import Dataset
from service.storage.job import Job, JobKind
from service.storage.job_store import JobStore
from service.storage.sql_store import SqlStore

DISK_FULL = {"code": "disk", "detail": "The worker's disk is full. What the run has finished stays: make room, then resume it."}
TOO_LONG = "The table takes longer to check than a check may take. Send fewer rows or columns, or raise IHAS_CHECK_CPU_S."
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


class Worker:
    """One process's share of the work.

    Attributes:
        name: unique to this process, so that a restarted worker is another one.
    """

    def __init__(
        self, store: JobStore, settings: Settings, stop: threading.Event, command: Sequence[str], traces: Traces | None = None
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._store, self._settings, self._stop, self._command, self._traces = store, settings, stop, command, traces
        self._may_hold_one = False

    def work(self) -> bool:
        """Carry out the next job; False where nothing waits or the database is out of reach."""
        try:
            job = self._claim()
            if job is None:
                return False
            LOG.info("claimed", job=job.id, kind=job.kind, attempt=job.attempt, token=job.token)
            with self._traced(job):
                self._carry_out(job)
        except SQLAlchemyError as error:
            LOG.warning("the database is out of reach", error=str(error))
            self._may_hold_one = True
            return False
        return True

    def _claim(self) -> Job | None:
        """The next job; whatever the database thinks this worker holds from before, it does not."""
        if self._may_hold_one:
            self._let_go()
        asked = self._settings
        return self._store.claim(self.name, asked.lease_s, asked.max_attempts, asked.max_running_per_tenant)

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
        except (OSError, ValueError) as error:
            LOG.exception("the run could not be started", job=job.id)
            if is_disk_full(error):
                self._store.fail(job.id, job.token, DISK_FULL)
                return
            detail = f"The run could not be started ({type(error).__name__}). {see_log(job)}"
            self._lose_attempt(job, {"code": "machine", "detail": detail})

    def _run(self, job: Job) -> None:
        dataset = self._store.dataset(job.dataset_id)
        run = prepare(job, dataset, self._settings.folder, self._command, check_limits(self._settings))
        child = Child(run.argv, run.log)
        try:
            with Watch(self._store, job, child, self._settings, self._stop) as watch:
                outcome = _for_everybody(self._follow(job, child), job, dataset, self._settings.folder)
                code = child.wait()
                LOG.info("the child ended", job=job.id, code=code)
                self._settle(job, run, child, outcome, code, watch)
        finally:
            child.close()

    def _follow(self, job: Job, child: Child) -> Outcome | None:
        """Write down what the child says, until it closes its output; return its last words."""
        return follow(child, lambda progress: self._store.record(job.id, job.token, progress))

    def _settle(self, job: Job, run: Run, child: Child, outcome: Outcome | None, code: int, watch: Watch) -> None:
        if watch.verdict is Verdict.LOST:
            raise LostLeaseError("its child was stopped")
        if outcome is not None and outcome.outcome == "succeeded" and code == 0:
            self._succeed(job, run, outcome)
        elif watch.verdict is Verdict.STOPPING:
            self._store.release(job.id, job.token)
        elif outcome is not None and outcome.error is not None and outcome.error.get("code") == "busy":
            self._store.release(job.id, job.token, "An earlier attempt still holds the run folder; waits for it to end.")
        elif outcome is not None and outcome.outcome == "failed":
            LOG.warning("the run failed", job=job.id, error=outcome.error, log=child.log_tail())
            error = outcome.error or {"code": "internal", "detail": f"The run failed and did not say why. {see_log(job)}"}
            self._store.fail(job.id, job.token, error, outcome.report)
        elif job.kind is JobKind.DATASET and code in (-signal.SIGXCPU, -signal.SIGALRM):
            self._store.fail(job.id, job.token, {"code": "data", "detail": TOO_LONG})
        else:
            LOG.warning("the child died", job=job.id, code=code, log=child.log_tail())
            self._lose_attempt(job, _crash(code, job))

    def _succeed(self, job: Job, run: Run, outcome: Outcome) -> None:
        if job.kind is JobKind.DATASET:
            self._store.accept_dataset(job.id, job.token, outcome.report or {}, outcome.sha256)
        elif job.kind is JobKind.ESTIMATE and run.bundle.is_file():
            self._store.finish(job.id, job.token, "The estimate is ready.")
        elif run.bundle.is_dir():
            path = run.bundle.relative_to(self._settings.folder.resolve())
            Artefacts(self._settings.folder, self._settings.artefacts_url).publish(path.as_posix())
            self._store.succeed(job.id, job.token, path.as_posix(), bundle_facts(run.bundle))
        else:
            detail = "The run said that it succeeded, but left no bundle."
            self._store.fail(job.id, job.token, {"code": "internal", "detail": detail})

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
