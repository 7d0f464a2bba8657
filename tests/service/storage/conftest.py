"""Every table is tested on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ihas_service.storage.database import Database
from ihas_service.storage.sql_store import SqlStore
from tests.service.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ihas.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def empty_store(database_url: str) -> Iterator[SqlStore]:
    """An empty store."""
    store = SqlStore(database_url)
    yield store
    store.close()
