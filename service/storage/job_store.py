"""Contract of the job table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from ihas_pipelines.runs.progress import Progress
from ihas_service.states import JobStage, JobState
from ihas_service.storage.catalogue import Catalogue, ModelVersion
from ihas_service.storage.job import OWN_KINDS, Event, Job, JobKind, NewJob
from ihas_service.storage.promotion_settings import Release
from ihas_service.storage.tenants import LOCAL

NOTHING: Mapping[str, Any] = MappingProxyType({})


class JobStore(Catalogue, Protocol):
    """Jobs, shared by the API and any number of workers on any number of machines.

    **Thread safety.** Every method may be called from every thread and process at the same time, and is one transaction.

    **Ownership.** `claim` gives a job to one worker, under a token, a whole number that only grows. Every write of a worker carries its
    token and is refused with `LostLeaseError` once the job was claimed again, cancelled, resumed, queued or finished: a worker that was
    stopped and comes back changes nothing. A worker holds one job at a time.

    **Signs of life.** A holder's heartbeats are counted. A store that has seen the count of a job unchanged for `lease_s` of its own
    monotonic clock, over several looks, lets whoever claims through it take the job. No clock is compared with another one, so that
    they may differ and be set; nobody has to look for dead workers. A worker whose heartbeat comes late keeps its job, as long as
    nobody else took it.

    **Time.** Times that are shown are of the database's clock; none of them decides anything about jobs.

    **Attempts.** Children that died, and workers that were lost, are each counted up to `max_attempts`. A worker that was taken for lost
    and is heard of again, by `let_go`, costs nothing.

    **Folder.** A held job is never claimed, even if it was cancelled and resumed meanwhile: the run folder belongs to the holder until it
    calls `let_go` or counts as lost.

    **Terminal states.** Succeeded never changes. Failed and cancelled change by `resume` alone.

    **Events.** Every change of a job's state or progress appends one event in the same transaction; numbers run 1, 2, 3, ...
    without gaps. Heartbeats are no events.
    """

    def submit(self, new: NewJob, max_queued: int = 0, max_bytes: int = 0) -> Job:
        """Queue a job; a tenant's same key with the same body gives the job of the first time.

        Raises:
            KeyReusedError: the key came before, with another body.
            TooManyError: `max_queued` is above 0, and as many of the tenant's jobs wait.
            QuotaError: `max_bytes` is above 0, and the tenant's searches and models take as many.
            ConflictError: the data set was deleted.
        """
        ...

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownIdError: no such job.
        """
        ...

    def jobs(self, kind: JobKind, before: int | None, limit: int, tenant: str = LOCAL, also: Sequence[JobKind] = ()) -> Sequence[Job]:
        """A tenant's jobs of a kind, and of those of `also`, with a number below `before`, newest first."""
        ...

    def claim(
        self, worker: str, lease_s: float, max_attempts: int, max_running: int = 0, kinds: Sequence[JobKind] = OWN_KINDS
    ) -> Job | None:
        """Take the next job; None when nothing may begin.

        Jobs come by the rank of their kind (checks of data sets, estimates, searches and refreshes), then by priority, then
        of the tenant with the fewest jobs at work, then the oldest. Jobs of a kind that is not among `kinds` are left to other workers.

        With `max_running` above 0, a tenant's jobs of the limited kinds wait while that many of its jobs are at work, exactly, whoever
        asks.

        A claim looks at the other holders' signs of life first; the job of one that was silent for `lease_s` is taken, or fails, with code
        `worker_lost`, where `max_attempts` workers were lost with it.
        """
        ...

    def look(self, lease_s: float) -> None:
        """Look at all holders' signs of life, as every claim does: for workers that are too busy to claim."""
        ...

    def renew(self, job_id: str, token: int) -> None:
        """Heartbeat: a sign of life. However late it comes, it holds where nobody else has taken the job.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def owns(self, job_id: str, token: int) -> bool:
        """Whether the token is still the running job's."""
        ...

    def record(self, job_id: str, token: int, progress: Progress) -> None:
        """Write down what the child said.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def succeed(
        self, job_id: str, token: int, bundle: str, facts: Mapping[str, Any] = NOTHING, release: Release | None = None
    ) -> ModelVersion:
        """Finish a search and register its bundle as the name's next version, with what is known of it, in one transaction; `release` says
        whether it is promoted or a candidate, and without one it is live as the newest as long as no other one was promoted.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def accept_dataset(self, job_id: str, token: int, report: Mapping[str, Any], sha256: str | None = None) -> None:
        """Finish a check: the data set is valid; `sha256` is the digest of a file that was named by path.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def finish(self, job_id: str, token: int, message: str) -> None:
        """Finish a job that registers nothing.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def fail(self, job_id: str, token: int, error: Mapping[str, Any], report: Mapping[str, Any] | None = None) -> None:
        """Finish as failed; the data set of a check becomes invalid, with `report`.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def weigh(self, job_id: str, size: int) -> None:
        """Write down the bytes of a job's folder, of which those of its version's bundle count as the version's."""
        ...

    def lose_attempt(self, job_id: str, token: int, error: Mapping[str, Any], max_attempts: int) -> Job:
        """The child died: queue the job again, or fail it with `error` where that came `max_attempts` times.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def release(self, job_id: str, token: int, why: str = "Its worker stops; waits for another one.") -> Job:
        """The worker gives the job back: queue it again; the attempt does not count.

        Raises:
            LostLeaseError: the job is no longer the caller's.
        """
        ...

    def let_go(self, worker: str) -> None:
        """A worker that lives says that it has no child: whatever job it holds is free, and queued again where it was running.

        Jobs with which it was taken for lost get that attempt back. None of them costs an attempt.
        """
        ...

    def cancel(self, job_id: str) -> Job:
        """Stop a job that has not finished.

        Raises:
            UnknownIdError: no such job.
            ConflictError: it has finished.
        """
        ...

    def resume(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, with all its attempts, on the same run folder.

        Raises:
            UnknownIdError: no such job.
            ConflictError: it is neither failed nor cancelled, or its data set was deleted.
        """
        ...

    def events(self, job_id: str, after: int, limit: int) -> Sequence[Event]:
        """Events of a job with a number above `after`, in order."""
        ...

    def put_items(self, tenant: str, model: str) -> Mapping[str, Mapping[str, Any]]:
        """Fields of items that were put beside a model, by item."""

    def counts(self) -> Mapping[JobState, int]:
        """Jobs in each state; every state is there."""
        ...

    def stages(self) -> Mapping[JobStage, int]:
        """Running jobs in each stage; every stage is there."""
        ...

    def children(self) -> int:
        """Running jobs that a worker holds."""
        ...

    def check(self) -> None:
        """Reach the database, or raise what the driver raises."""
        ...
