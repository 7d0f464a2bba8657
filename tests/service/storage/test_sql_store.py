"""The relational store keeps the laws of the job table, on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from ihas_service.states import JobState
from ihas_service.storage.job_store import JobStore
from ihas_service.storage.sql_store import SqlStore
from tests.clock import Clock
from tests.contracts.fair_store import FairStoreContract
from tests.contracts.job_store import LEASE_S, JobStoreContract, progress, search, seen_silent, taken
from tests.contracts.lease_store import LeaseStoreContract
from tests.service.postgres import PostgresServer

pytestmark = pytest.mark.full


@pytest.fixture
def clock() -> Clock:
    """By which the store judges silence."""
    return Clock()


class TestSqlite(JobStoreContract, LeaseStoreContract, FairStoreContract):
    """On a file."""

    @pytest.fixture
    def store(self, tmp_path: Path, clock: Clock) -> Iterator[JobStore]:
        """An empty store."""
        store = SqlStore(f"sqlite:///{tmp_path / 'ihas.db'}", clock)
        yield store
        store.close()


class TestPostgres(JobStoreContract, LeaseStoreContract, FairStoreContract):
    """On a server."""

    @pytest.fixture
    def store(self, postgres: PostgresServer, clock: Clock) -> Iterator[JobStore]:
        """A store on a database of its own."""
        store = SqlStore(postgres.new_database(), clock)
        yield store
        store.close()


def _open_and_submit(url: str, start: multiprocessing.synchronize.Barrier) -> None:
    start.wait()
    store = SqlStore(url)
    for _ in range(5):
        store.submit(search())
    store.close()


def test_processes_that_open_a_new_file_together_all_write(tmp_path: Path) -> None:
    """Four processes create the same database at once; none of them fails and nothing is lost."""
    url = f"sqlite:///{tmp_path / 'ihas.db'}"
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    processes = [context.Process(target=_open_and_submit, args=(url, start)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    store = SqlStore(url)
    assert sum(store.counts().values()) == 20
    store.close()


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    """While a transaction holds SQLite's one write lock, jobs are read as they were before it."""
    url = f"sqlite:///{tmp_path / 'ihas.db'}"
    store = SqlStore(url)
    store.submit(search())
    job = taken(store, "ada")
    writer = sa.create_engine(url)
    with writer.connect() as connection:
        connection.exec_driver_sql("begin immediate")
        connection.exec_driver_sql("update jobs set message = 'unseen'")

        assert store.job(job.id).message == "Attempt 1 began."
        connection.rollback()
    writer.dispose()
    store.close()


@contextmanager
def steps(url: str) -> Iterator[Callable[[float], None]]:
    """Sets the database's clock by some seconds, as everything that it noted before shows it: as so much longer or shorter ago."""
    database = sa.create_engine(url)

    def step(seconds: float) -> None:
        times = ", ".join(f"{name} = {name} - {seconds}" for name in ("heartbeat_at", "created_at", "started_at"))
        with database.begin() as connection:
            connection.exec_driver_sql(f"update jobs set {times}")

    yield step
    database.dispose()


@pytest.mark.parametrize("step_s", [3.2e7, 86_400.0, -86_400.0, -3.2e7])
def test_a_database_whose_clock_is_set_decides_nothing(database_url: str, clock: Clock, step_s: float) -> None:
    """Three steps, of a day or a year, forwards or back: a live worker with one attempt keeps its job to the end."""
    store = SqlStore(database_url, clock)
    job_id = store.submit(search()).id
    job = taken(store, "ada", max_attempts=1)
    with steps(database_url) as step:
        for _ in range(3):
            store.renew(job.id, job.token)
            step(step_s)
            for _ in range(2):
                assert store.claim("bob", LEASE_S, 1) is None
                clock.advance(LEASE_S / 3)
    store.record(job.id, job.token, progress())
    store.succeed(job.id, job.token, "searches/x/bundle")

    assert (store.job(job_id).state, store.job(job_id).attempt, store.job(job_id).lost) == (JobState.SUCCEEDED, 1, [])
    store.close()


@pytest.mark.parametrize("step_s", [3.2e7, 86_400.0, -86_400.0, -3.2e7])
def test_a_dead_workers_job_is_taken_after_a_lease_whatever_the_clock_says(database_url: str, clock: Clock, step_s: float) -> None:
    """Also where its last sign seems to lie a year ahead; not sooner where it seems to lie a year back."""
    store = SqlStore(database_url, clock)
    store.submit(search())
    job = taken(store, "ada")
    with steps(database_url) as step:
        assert store.claim("bob", LEASE_S, 3) is None
        step(step_s)
        clock.advance(LEASE_S / 2)
        assert store.claim("bob", LEASE_S, 3) is None
        step(step_s)
        clock.advance(LEASE_S / 2)

    assert (again := taken(store, "bob")).id == job.id
    assert (again.attempt, again.lost) == (2, ["ada"])
    store.close()


def test_each_observer_trusts_its_own_eyes(tmp_path: Path, clock: Clock) -> None:
    """A store that was opened just now has seen no silence, whatever another one saw; that one takes the job."""
    url = f"sqlite:///{tmp_path / 'ihas.db'}"
    old = SqlStore(url, clock)
    old.submit(search())
    job = taken(old, "ada")
    seen_silent(old, clock)
    new = SqlStore(url, clock)

    assert new.claim("bob", LEASE_S, 3) is None
    assert taken(old, "eve").id == job.id
    for store in (old, new):
        store.close()
