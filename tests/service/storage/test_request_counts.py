"""Requests of a minute are counted over processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.replica_tables import REPLICA_FIGURES, REQUEST_COUNTS
from ihas_service.storage.request_counts import FORGOTTEN_S, MINUTE_S, RequestCounts
from tests.service.storage.rewinding import drop_0016

pytestmark = pytest.mark.full


def _older(database: Database, seconds: float) -> None:
    moved = REQUEST_COUNTS.update().values(began=REQUEST_COUNTS.c.began - seconds)
    database.write(lambda connection: connection.execute(moved))


def test_eight_processes_lose_no_request(database: Database) -> None:
    """Each adds five times for two callers, in whichever order."""
    counts = RequestCounts(database)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counts.add({"b": 2, "a": 1}), range(40)))

    assert {caller: requests for caller, (requests, _) in counts.add({"a": 1, "b": 1}).items()} == {"a": 41, "b": 81}


def test_a_minute_begins_with_the_first_request_of_a_caller(database: Database) -> None:
    """By the database's clock: before its end requests are added, after it they begin anew."""
    counts = RequestCounts(database)
    assert counts.add({"a": 3})["a"] == (3, pytest.approx(MINUTE_S))
    _older(database, MINUTE_S / 2)
    requests, left_s = counts.add({"a": 1})["a"]
    assert (requests, left_s <= MINUTE_S / 2) == (4, True)
    _older(database, MINUTE_S)
    assert counts.add({"a": 2})["a"] == (2, pytest.approx(MINUTE_S))


def test_callers_that_ask_no_more_are_forgotten(database: Database) -> None:
    """A row goes with the first request of somebody else that comes long after its minute."""
    counts = RequestCounts(database)
    counts.add({"a": 1})
    _older(database, FORGOTTEN_S + 1.0)
    counts.add({"b": 1})

    assert [row["caller"] for row in database.read(sa.select(REQUEST_COUNTS.c.caller))] == ["b"]


def test_a_database_of_0015_counts_from_now_on(database_url: str) -> None:
    """The tables come with the migration, empty, and what was there stays."""
    database = Database(database_url)

    def back(connection: sa.Connection) -> None:
        drop_0016(connection)
        connection.exec_driver_sql("update alembic_version set version_num = '0015'")

    database.write(back)
    database.close()
    after = Database(database_url)

    assert [len(after.read(sa.select(table))) for table in (REQUEST_COUNTS, REPLICA_FIGURES)] == [0, 0]
    assert RequestCounts(after).add({"a": 1})["a"][0] == 1
    after.close()


def test_a_clock_that_was_set_back_locks_nobody_out(database: Database) -> None:
    """A minute that begins far ahead is over."""
    counts = RequestCounts(database)
    counts.add({"a": 3})
    _older(database, -7_200.0)

    assert counts.add({"a": 1})["a"] == (1, pytest.approx(MINUTE_S))
