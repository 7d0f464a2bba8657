"""What the service's tests share: settings, a store, and workers whose children learn nothing."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
import structlog

from ihas.bundle.archive import write_bundle
from ihas_service.http.examples import searches
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.jobs.worker import run_worker
from ihas_service.settings import Settings
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import DATASET, SEARCH, Job, NewJob
from ihas_service.storage.promotion_settings import Release
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.ihas.bundle_factory import small_bundle
from tests.service.keyed import guarded, keyed, new_headers  # noqa: F401 - fixtures
from tests.service.live import LiveServer
from tests.service.postgres import PostgresServer, postgres_server, reason_to_skip

COMMAND = (sys.executable, str(Path(__file__).with_name("child.py")))
Found = TypeVar("Found")


class Publish(Protocol):
    """Registers a bundle, spoilt before anybody can read it where that is asked for; gives its folder."""

    def __call__(self, name: str = "films", spoil: Callable[[Path], object] = ..., release: Release | None = None) -> Path:
        """The folder of the new version."""
        ...


def damage(folder: Path) -> str:
    """Change one byte of a bundle; the name of the file."""
    path = max((one for one in folder.rglob("*.safetensors")), key=lambda one: one.stat().st_size)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return path.name


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Log lines as JSON: drawing a traceback for a person takes seconds."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder of its own and looks that follow each other soon. Nothing is refused, lost or cut off because the machine is busy: what a
    test needs to run out in time, it sets."""
    roots = (tmp_path / "data",)
    return Settings(
        folder=tmp_path / "runs", data_roots=roots, heartbeat_s=0.2, poll_s=0.05, lease_s=HANG_S, drain_s=HANG_S, max_wait_s=HANG_S
    )


@pytest.fixture
def table(settings: Settings) -> str:
    """Path of a table of two clicks, in a folder that may be read."""
    path = settings.data_roots[0] / "clicks.csv"
    path.parent.mkdir(parents=True)
    settings.folder.mkdir(parents=True, exist_ok=True)
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

    def __init__(self, settings: Settings, command: Sequence[str] = COMMAND) -> None:
        self.stop = threading.Event()
        self._thread = threading.Thread(target=run_worker, args=(settings, self.stop, command))

    def __enter__(self) -> RunningWorker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop it."""
        self.stop.set()
        self._thread.join()


def eventually(find: Callable[[], Found | None], within_s: float = HANG_S) -> Found:
    """What `find` gives once it is true; it must not come true by a deadline, but before whoever waits takes it for hanging."""
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
    return store.submit(NewJob(SEARCH, name, dataset_id, {"learning": {}, "run": {}}))


def add_table(store: SqlStore, table: str) -> str:
    """The id of a data set that names the table by path."""
    return store.add_dataset(NewDataset("clicks", {}, path=table)).id


@pytest.fixture
def live(settings: Settings, store: SqlStore) -> Iterator[LiveServer]:
    """The API on the settings."""
    with LiveServer(settings) as live:
        yield live


@pytest.fixture
def valid_dataset(store: SqlStore, table: str) -> str:
    """Id of a data set that was found valid."""
    dataset_id = add_table(store, table)
    job = store.claim("check", 60.0, 1)
    assert job is not None
    store.accept_dataset(job.id, job.token, searches.REPORT)
    return dataset_id


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose scores are known by hand."""
    folder = tmp_path_factory.mktemp("bundles") / "films"
    write_bundle(small_bundle(), folder)
    return folder


@pytest.fixture
def publish(store: SqlStore, settings: Settings, table: str, bundle: Path) -> Publish:
    """Registers the bundle as the next version of a name, `films` where none is given; gives its folder."""

    def publish(name: str = "films", spoil: Callable[[Path], object] = lambda _: None, release: Release | None = None) -> Path:
        submitted(store, table, name)
        while (job := store.claim("trainer", 60.0, 1)) is not None and job.kind == DATASET.name:
            store.accept_dataset(job.id, job.token, searches.REPORT)
        assert job is not None
        path = f"searches/{job.id}/bundle"
        shutil.copytree(bundle, settings.folder / path)
        FirstLoad(settings.folder, 1).passed(bundle)
        spoil(settings.folder / path)
        store.succeed(job.id, job.token, path, release=release)
        return settings.folder / path

    return publish
