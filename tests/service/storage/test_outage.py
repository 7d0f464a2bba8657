"""An outage is told from a value that cannot be kept, on real databases."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from ihas.errors import ConfigError
from ihas_service.settings import Settings
from ihas_service.storage.database import Database
from ihas_service.storage.outage import is_outage, is_unstorable
from ihas_service.storage.tables import JOBS
from tests.service.live import LiveServer
from tests.service.postgres import PostgresServer, postgres_server

pytestmark = pytest.mark.full


def raised(database: Database, query: sa.Executable) -> Exception:
    """What a query raises."""
    with pytest.raises(sa.exc.SQLAlchemyError) as found:
        database.read(query)
    return found.value


def test_what_postgres_cannot_keep_is_no_outage(postgres: PostgresServer) -> None:
    """A text with the character of number 0, and a number beyond a column's: the request is wrong. A wrong query is neither."""
    database = Database(postgres.new_database())
    for wrong in (sa.select(JOBS.c.id).where(JOBS.c.id == "a\0b"), sa.select(JOBS.c.id).where(JOBS.c.number == sa.cast(2**40, sa.Integer))):
        error = raised(database, wrong)
        assert (is_unstorable(error), is_outage(error)) == (True, False)
    error = raised(database, sa.text("select nothing from jobs"))
    assert (is_unstorable(error), is_outage(error)) == (False, False)
    database.close()


def test_a_server_that_is_away_is_an_outage(postgres: PostgresServer) -> None:
    """Cut off while a connection is open, and refused when a new one is wanted."""
    del postgres  # where there is none, there is none to stop
    with postgres_server() as server:
        database = Database(server.new_database())
        server.stop()
        for _ in range(2):
            assert is_outage(raised(database, sa.select(JOBS.c.id)))
        database.close()
        server.start()


def test_a_damaged_file_is_an_outage(tmp_path: Path) -> None:
    """SQLite says so of a file that is no database."""
    database = Database(f"sqlite:///{tmp_path / 'ihas.db'}")
    database.close()
    for path in tmp_path.glob("ihas.db*"):
        path.write_bytes(b"x" * 8192)
    assert is_outage(raised(database, sa.select(JOBS.c.id)))


@pytest.mark.parametrize("path", ["/v1/models/a%00b/online", "/v1/searches/sr_%00", "/v1/datasets/ds_%00"])
def test_the_api_tells_a_name_with_a_nul_as_a_wrong_request(postgres: PostgresServer, settings: Settings, path: str) -> None:
    """Not as an outage, which would be asked again and again."""
    with LiveServer(settings.model_copy(update={"database_url": postgres.new_database()})) as live:
        answer = live.http.get(path)
    assert answer.status_code == 422, answer.text
    assert "number 0" in answer.json()["detail"]


@pytest.mark.parametrize("size", [100, 4096, 20_480])
def test_a_truncated_database_is_told_in_one_line(tmp_path: Path, size: int) -> None:
    """As the service starts, with the way out, whatever part is left."""
    path = tmp_path / "ihas.db"
    Database(f"sqlite:///{path}").close()
    os.truncate(path, size)
    with pytest.raises(ConfigError, match=r"^The database must be one that can be read, but: .*backup of one that is damaged\.$"):
        Database(f"sqlite:///{path}")


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    """Nothing listens there."""
    with pytest.raises(ConfigError, match="^The database must be one that can be read, but: connection"):
        Database("postgresql+psycopg://nobody@127.0.0.1:1/none")


def test_readiness_reads_the_database(settings: Settings) -> None:
    """A file that is truncated under a running service is found at the next look, though open connections remember what they read."""
    with LiveServer(settings) as live:
        ready = live.http.get("/readyz")
        connection = sqlite3.connect(settings.folder / "ihas.db")
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.close()
        os.truncate(settings.folder / "ihas.db", 4096)
        damaged = live.http.get("/readyz")

    assert (ready.status_code, damaged.status_code) == (200, 503)
    assert damaged.json()["type"] == "urn:ihas:problem:database-unavailable"
