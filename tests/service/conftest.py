"""What the service's tests share: settings with short times, a store, and workers whose children learn nothing."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from service.jobs.catalogue import NewDataset
from service.jobs.job import Job, JobKind, NewJob
from service.jobs.sql_store import SqlStore
from service.jobs.worker import run_worker
from service.settings import Settings

COMMAND = (sys.executable, str(Path(__file__).with_name("child.py")))
Found = TypeVar("Found")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder of its own and times of tenths of a second."""
    roots = (tmp_path / "data",)
    return Settings(folder=tmp_path / "runs", lease_s=1.0, heartbeat_s=0.2, poll_s=0.05, drain_s=2.0, data_roots=roots)


@pytest.fixture
def table(settings: Settings) -> str:
    """Path of a table of two clicks, in a folder that may be read."""
    path = settings.data_roots[0] / "clicks.csv"
    path.parent.mkdir(parents=True)
    settings.folder.mkdir(parents=True)
    path.write_text("click,user\n0,ada\n1,bob\n")
    return str(path)


@pytest.fixture
def store(settings: Settings, table: str) -> Iterator[SqlStore]:
    """The store that the settings name."""
    store = SqlStore(settings.url)
    yield store
    store.close()


class RunningWorker:
    """A worker in a thread, stopped at the end of the `with` block."""

    def __init__(self, settings: Settings) -> None:
        self.stop = threading.Event()
        self._thread = threading.Thread(target=run_worker, args=(settings, self.stop, COMMAND))

    def __enter__(self) -> RunningWorker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> float:
        """Stop it; seconds that took."""
        began = time.monotonic()
        self.stop.set()
        self._thread.join()
        return time.monotonic() - began


def eventually(find: Callable[[], Found | None], within_s: float = 20.0) -> Found:
    """What `find` gives once it is true."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(0.02)
    pytest.fail(f"Did not happen within {within_s} s.")


def finished(store: SqlStore, job_id: str) -> Job:
    """The job once it has finished."""
    return eventually(lambda: job if (job := store.job(job_id)).finished else None)


def submitted(store: SqlStore, table: str, name: str = "films") -> Job:
    """A search on a table whose check nobody waits for."""
    dataset_id = store.datasets(None, 1)[0].id if store.datasets(None, 1) else add_table(store, table)
    return store.submit(NewJob(JobKind.SEARCH, name, dataset_id, {"learning": {}, "run": {}}))


def add_table(store: SqlStore, table: str) -> str:
    """The id of a data set that names the table by path."""
    return store.add_dataset(NewDataset("clicks", {}, path=table)).id
