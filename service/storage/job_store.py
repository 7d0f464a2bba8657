"""The laws of the job table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from pipelines.runs.progress import Progress
from service.storage.catalogue import Catalogue, ModelVersion
from service.storage.job import Event, Job, JobKind, JobState, NewJob
from service.storage.tenants import LOCAL

NOTHING: Mapping[str, Any] = MappingProxyType({})


class JobStore(Catalogue, Protocol):
    """Jobs, shared by the API and any number of workers on any number of machines.

    **Thread safety.** Every method may be called from every thread and process at the same time, and is one transaction.

    **Time.** The database's clock is the only one: leases are given and judged by it, so workers' clocks may differ.

    **Ownership.** `claim` gives a job to one worker, with a lease and a token. The token is a whole number that only grows. Every
    write of a worker carries its token and is refused with `LostLeaseError` once the job was claimed again, cancelled, resumed,
    queued or finished: a worker that was stopped and comes back changes nothing. A job whose lease ran out is claimed by whoever
    asks next; nobody has to look for dead workers.

    **Lease and folder.** A job is never claimed while a lease is live, even if it was cancelled and resumed meanwhile: the run
    folder belongs to the holder until it calls `let_go` or its lease runs out.

    **Terminal states.** Succeeded never changes. Failed and cancelled change by `resume` alone.

    **Events.** Every change of a job's state or progress appends one event in the same transaction; numbers run 1, 2, 3, ...
    without gaps. Heartbeats are no events.
    """

    def submit(self, new: NewJob, max_queued: int = 0) -> Job:
        """Queue a job; a tenant's same key with the same body gives the job of the first time.

        Raises:
            KeyReusedError: the key came before, with another body.
            TooManyError: `max_queued` is above 0, and as many of the tenant's jobs wait.
        """
        ...

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownIdError: no such job.
        """
        ...

    def jobs(self, kind: JobKind, before: int | None, limit: int, tenant: str = LOCAL) -> Sequence[Job]:
        """A tenant's jobs of a kind with a number below `before`, newest first."""
        ...

    def claim(self, worker: str, lease_s: float, max_attempts: int, max_running: int = 0) -> Job | None:
        """Take the next job; None when nothing may begin.

        Checks of data sets come first, then estimates, then searches: by priority, then of the tenant with the fewest jobs at
        work, then the oldest.

        With `max_running` above 0, a tenant's searches wait while that many of its jobs are at work, exactly, whoever asks.

        A job whose lease ran out and whose attempts are used up fails here, with code `worker_lost`.
        """
        ...

    def renew(self, job_id: str, token: int, lease_s: float) -> None:
        """Heartbeat: the lease holds for `lease_s` from now.

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

    def succeed(self, job_id: str, token: int, bundle: str, facts: Mapping[str, Any] = NOTHING) -> ModelVersion:
        """Finish a search and register its bundle as the name's next version, with what is known of it, in one transaction.

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

    def lose_attempt(self, job_id: str, token: int, error: Mapping[str, Any], max_attempts: int) -> Job:
        """The child died: queue the job again, or fail it with `error` once its attempts are used up.

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

    def let_go(self, job_id: str, worker: str) -> None:
        """End the worker's lease: its child is gone. Does nothing where the lease is another's."""
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
            ConflictError: it is neither failed nor cancelled.
        """
        ...

    def events(self, job_id: str, after: int, limit: int) -> Sequence[Event]:
        """Events of a job with a number above `after`, in order."""
        ...

    def counts(self) -> Mapping[JobState, int]:
        """Jobs in each state; every state is there."""
        ...

    def children(self) -> int:
        """Running jobs under a live lease."""
        ...

    def check(self) -> None:
        """Reach the database, or raise what the driver raises."""
        ...
