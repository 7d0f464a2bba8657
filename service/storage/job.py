"""A job, and which state may follow which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ihas_service.errors import ConflictError
from ihas_service.states import RUNNING, TERMINAL, JobStage, JobState
from ihas_service.storage.tenants import LOCAL


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job, as far as the queue tells kinds apart; what is done with its jobs, `ihas_service.jobs.handlers` says.

    Attributes:
        name: in the table of jobs.
        prefix: start of the ids of its jobs, before `_`.
        rank: jobs of a lower rank are claimed first.
        limited: whether its jobs wait while a tenant has as many at work as it may have.
    """

    name: str
    prefix: str
    rank: int
    limited: bool = True

    def __str__(self) -> str:
        return self.name


DATASET = JobKind("dataset", "ck", rank=0, limited=False)
"""Checks a data set's file."""
ESTIMATE = JobKind("estimate", "es", rank=1)
"""Says what a search would take."""
SEARCH = JobKind("search", "sr", rank=2)
"""Runs the stages on a data set and registers the model."""
BATCH = JobKind("batch", "bt", rank=1)
"""Answers the rows of a data set with a version of a model."""
REFRESH = JobKind("refresh", "rf", rank=2)
"""Carries the run behind a version on with newer rows and registers the model's next version."""
OWN_KINDS = (DATASET, ESTIMATE, SEARCH, REFRESH, BATCH)
TRAINING = (SEARCH, REFRESH)
"""Kinds that train a model, each in a run folder below `searches/`."""
TRAINING_NAMES = tuple(kind.name for kind in TRAINING)


# Stages may follow each other in any order: controls are retrained while others are evaluated, and a new attempt starts over.
# A failed or cancelled job leaves its state by `resume` alone, which a person asks for; no worker's write does it.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: RUNNING | {JobState.CANCELLED},
        JobState.RUNNING: RUNNING | TERMINAL | {JobState.QUEUED},
        JobState.SUCCEEDED: frozenset(),
        JobState.FAILED: frozenset({JobState.QUEUED}),
        JobState.CANCELLED: frozenset({JobState.QUEUED}),
    }
)


def check_transition(old: JobState, new: JobState) -> None:
    """Check that `new` may follow `old`.

    Raises:
        ConflictError: it may not.
    """
    if new not in TRANSITIONS[old]:
        allowed = ", ".join(sorted(TRANSITIONS[old])) or "nothing"
        raise ConflictError(f"A job that is {old} cannot become {new}; what may follow is: {allowed}.")


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to submit.

    Attributes:
        kind: what it does.
        name: name of the model, or of the data set.
        dataset_id: data set that it works on.
        settings: JSON object; for a search `learning` and `run`.
        key: idempotency key of the request, within the tenant.
        body_hash: digest of the request that came with the key.
        tenant: whose it is.
        priority: a higher one is claimed first.
        traceparent: names the span that submitted it, as W3C writes it.
        dataset_version: version of the data set; None for the first one.
    """

    kind: JobKind
    name: str
    dataset_id: str
    settings: Mapping[str, Any]
    key: str | None = None
    body_hash: str | None = None
    tenant: str = LOCAL
    priority: int = 0
    traceparent: str | None = None
    dataset_version: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the table has it. Times are seconds since 1970 by the database's clock.

    Attributes:
        number: place in the queue, among jobs of its priority.
        tenant: whose it is.
        kind: name of its kind.
        priority: a higher one is claimed first.
        stage: what it is doing while it runs, and what it was doing when it ended; None while it waits.
        token: fencing token; grows with every claim, cancel and resume.
        attempt: times that a worker began it, since it was queued by a person, but for those that cost nothing.
        worker: process that holds it; while that shows signs of life, nobody else claims the job.
        beats: heartbeats since it was claimed.
        lost: workers that fell silent with it in hand and were not heard of since.
        fraction: share of the run that is done, 0 to 1.
        last_event: number of its newest event.
        model_version: version that it registered.
        read_at: when this row was read.
        bytes: of its folder, without the bundles of versions; None while they were not added up.
        emptied: whether what its stages left was removed, since it is that old.
        dataset_version: version of the data set; None for the first one, as in jobs of older releases.
        note: what people wrote down about it; None where nobody did.
        tags: words that they gave it; None for none.
    """

    number: int
    id: str
    tenant: str
    kind: str
    priority: int
    name: str
    dataset_id: str
    settings: Mapping[str, Any]
    key: str | None
    body_hash: str | None
    traceparent: str | None
    state: JobState
    stage: JobStage | None
    token: int
    attempt: int
    worker: str | None
    beats: int
    lost: Sequence[str]
    heartbeat_at: float | None
    fraction: float
    eta_s: float | None
    message: str
    error: Mapping[str, Any] | None
    last_event: int
    model_version: int | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    read_at: float
    bytes: int | None = None
    emptied: bool = False
    dataset_version: int | None = None
    note: str | None = None
    tags: Sequence[str] | None = None

    @property
    def finished(self) -> bool:
        """Whether the state is terminal."""
        return self.state in TERMINAL

    @property
    def data_version(self) -> int:
        """Version of the data set that it reads."""
        return self.dataset_version or 1

    @property
    def heartbeat_age_s(self) -> float | None:
        """Seconds since the worker was last heard of, while it runs."""
        if self.state not in RUNNING or self.heartbeat_at is None:
            return None
        return max(0.0, self.read_at - self.heartbeat_at)


@dataclass(frozen=True, slots=True)
class Event:
    """A moment of a job: what changed, as it was then.

    Attributes:
        job_id: the job.
        id: 1, 2, 3, ... within the job, without gaps.
        at: when, in seconds since 1970.
        metrics: figures of the moment.
    """

    job_id: str
    id: int
    at: float
    state: JobState
    stage: JobStage | None
    attempt: int
    fraction: float
    eta_s: float | None
    message: str
    metrics: Mapping[str, float]
    error: Mapping[str, Any] | None
