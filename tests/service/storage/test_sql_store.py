"""The relational store keeps the laws of the job table, on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.storage.job_store import JobStore
from service.storage.sql_store import SqlStore
from tests.contracts.fair_store import FairStoreContract
from tests.contracts.job_store import JobStoreContract, search, taken
from tests.service.postgres import PostgresServer


class TestSqlite(JobStoreContract, FairStoreContract):
    """On a file."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[JobStore]:
        """An empty store."""
        store = SqlStore(f"sqlite:///{tmp_path / 'ihas.db'}")
        yield store
        store.close()


class TestPostgres(JobStoreContract, FairStoreContract):
    """On a server."""

    @pytest.fixture
    def store(self, postgres: PostgresServer) -> Iterator[JobStore]:
        """A store on a database of its own."""
        store = SqlStore(postgres.new_database())
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
