"""What the worker asks of a kind of job: how its child is started, and what the child's end means."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ihas.folders import write_whole
from ihas_pipelines.runs.progress import Outcome
from ihas_service.settings import Settings
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import Job, JobKind
from ihas_service.storage.job_store import JobStore


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a handler works with.

    Attributes:
        store: takes the outcome of the job.
        settings: of the service.
        command: start of the command line of `python -m ihas_pipelines`, which a test may replace.
        stop: set when the worker is to stop.
    """

    store: JobStore
    settings: Settings
    command: Sequence[str]
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Run:
    """A child to start.

    Attributes:
        argv: its command line. The child prints the lines of `ihas_pipelines.runs.progress`, and ends when its standard input closes.
        log: file that takes its standard error.
        product: file or folder that it leaves when it succeeds.
    """

    argv: tuple[str, ...]
    log: Path
    product: Path


class JobHandler(ABC):
    """A kind of job. One object serves all jobs of its kind and holds no state.

    Attributes:
        kind: name, and place in the queue.
        shown: patterns of the files in its folder that the API shows.
    """

    kind: ClassVar[JobKind]
    shown: ClassVar[tuple[str, ...]] = ()

    def folder(self, root: Path, job: Job) -> Path:
        """Folder of a job's files.

        Args:
            root: folder of the service.
            job: of this kind.
        """
        return root.resolve() / "jobs" / self.kind.name / job.id

    @abstractmethod
    def prepare(self, job: Job, dataset: Dataset, context: JobContext) -> Run:
        """Write down what the child needs, and say how it is started.

        Raises:
            OSError: the files cannot be written; costs an attempt.
            ValueError: the job's settings cannot be read; costs an attempt.
        """

    @abstractmethod
    def succeed(self, job: Job, run: Run, outcome: Outcome, context: JobContext) -> None:
        """Settle a job whose child said that it succeeded: call `finish`, `succeed`, `accept_dataset` or `fail` of the store.

        Raises:
            LostLeaseError: the job is no longer this worker's.
        """

    def error_of_signal(self, number: int) -> Mapping[str, str] | None:
        """Why a child that a signal ended must not be tried again: `code` and `detail`; None where another attempt may succeed."""
        del number
        return None


def written(path: Path, text: str) -> Path:
    """The path of a file with this text, written as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def digest_option(dataset: Dataset) -> tuple[str, ...]:
    """Words of a command line that name the digest of the data set's file, where it is known."""
    return () if dataset.sha256 is None else ("--data-sha256", dataset.sha256)
