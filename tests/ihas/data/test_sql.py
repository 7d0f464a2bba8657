"""Rows of a query as a file, from real databases, and nothing of how they are reached anywhere."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.sql import SqlConfig
from ihas.data.ingest import inspect
from ihas.data.readers import read_table
from ihas.data.sql import described, write_snapshot
from ihas.errors import ConfigError, DataError
from tests.service.postgres import PostgresServer, postgres_server, reason_to_skip

SECRET = "hush%40word"


def _sql(url: str, query: str = "select * from clicks order by number") -> SqlConfig:
    return SqlConfig.model_validate({"url": url, "query": query})


def _sqlite(folder: Path, rows: int = 3_000) -> str:
    """A database of clicks: numbers, missing ones, texts and dates."""
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("create table clicks(number int, click int, user text, price real, day date)")
        cells = ((n, n % 2, f"u{n % 9}", n / 4 if n % 5 else None, "2026-11-30") for n in range(rows))
        database.executemany("insert into clicks values(?, ?, ?, ?, ?)", cells)
    database.close()
    return f"sqlite:///{folder / 'shop.db'}"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with postgres_server() as started:
        yield started


@pytest.fixture(scope="module")
def postgres_url(server: PostgresServer) -> str:
    """A database with the types that shops have."""
    url = server.new_database().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(
            "create table clicks(number int, click boolean, item bigint, price numeric(9, 2), rating real, seen timestamptz, day date,"
            " tags text[], kind uuid, note varchar(20))"
        )
        connection.execute(
            "insert into clicks select n, n % 2 = 0, 9007199254740993 + n, case when n % 5 > 0 then n / 4.0 end, n / 8.0,"
            " timestamptz '2026-11-30 12:00:00+01' + n * interval '1 hour', date '2026-11-30' + n, array['a', 'b' || n % 3],"
            " '00000000-0000-0000-0000-000000000001', 'é' || n from generate_series(0, 2999) as n"
        )
    return url


def test_rows_of_sqlite_are_a_table(tmp_path: Path) -> None:
    """All of them, with their types; the file is what a run reads, and inspecting it finds the columns."""
    path = tmp_path / "out" / "table.parquet"
    assert write_snapshot(_sql(_sqlite(tmp_path)), path) == 3_000
    table = read_table(path)
    assert table.slice(0, 2).to_pylist() == [
        {"number": "0", "click": "0", "user": "u0", "price": None, "day": "2026-11-30"},
        {"number": "1", "click": "1", "user": "u1", "price": "0.25", "day": "2026-11-30"},
    ]
    report = inspect(DataConfig(path=path, columns=SchemaConfig(ignored=("number",))))
    assert (report.rows, {one.column: one.kind for one in report.profiles}["price"]) == (3_000, "numeric")
    assert [one.name for one in path.parent.iterdir()] == ["table.parquet"]


def test_rows_of_postgresql_are_a_table(postgres_url: str, tmp_path: Path) -> None:
    """Long ids, exact numbers, times with zones, lists and texts come as their canonical texts."""
    path = tmp_path / "table.parquet"
    assert write_snapshot(_sql(postgres_url), path) == 3_000
    assert read_table(path).slice(1, 1).to_pylist() == [
        {
            "number": "1",
            "click": "false",
            "item": "9007199254740994",
            "price": "0.25",
            "rating": "0.125",
            "seen": "2026-11-30 12:00:00Z",
            "day": "2026-12-01",
            "tags": ["a", "b1"],
            "kind": "00000000-0000-0000-0000-000000000001",
            "note": "é1",
        }
    ]
    assert write_snapshot(_sql(postgres_url.replace("postgresql:", "postgresql+psycopg:"), "select 1 as click"), path) == 1
    assert pq.read_table(path).to_pylist() == [{"click": 1}]


def test_a_query_only_reads(postgres_url: str, tmp_path: Path) -> None:
    """Whoever writes in it is refused by the database, and nothing is left of the file."""
    for url, query in ((_sqlite(tmp_path), "delete from clicks"), (postgres_url, "delete from clicks returning number")):
        with pytest.raises(DataError, match=r"read.?only|read-only"):
            write_snapshot(_sql(url, query), tmp_path / "table.parquet")
        assert write_snapshot(_sql(url), tmp_path / "kept.parquet") == 3_000
    assert not list(tmp_path.glob("*table*"))


@pytest.mark.parametrize(
    ("query", "says"),
    [("select * from nothing", "nothing"), ("selekt", "selekt"), ("select 1/0 as click", "zero")],
)
def test_what_the_database_says_is_told(postgres_url: str, tmp_path: Path, query: str, says: str) -> None:
    """In one line, with the place without user and password; an older file stays as it is."""
    path = tmp_path / "table.parquet"
    path.write_bytes(b"older")
    with pytest.raises(DataError, match=says) as error:
        write_snapshot(_sql(postgres_url, query), path)
    assert "tester" not in str(error.value)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == b"older"


def test_no_password_is_told(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by errors, nor by settings in any form, nor by the chain of causes, however it is spelt in the URL."""
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    wrong = [
        f"postgresql://reader:{SECRET}@127.0.0.1:{server.port}/none",
        f"postgresql://reader:{SECRET}@127.0.0.1:1/shop?password={SECRET}",
        f"postgresql://reader:$SHOP_PASSWORD@127.0.0.1:{server.port}/none",
        f"postgresql://reader:{SECRET}@127.0.0.1:{server.port}/none?sslmode={SECRET}",
        f"postgresql://reader:{SECRET}@[::1/shop",
        f"mysql://reader:{SECRET}@host/shop",
        f"snowflake://reader:{SECRET}@host/shop",
    ]
    for url in wrong:
        with pytest.raises((DataError, ConfigError)) as error:
            write_snapshot(_sql(url), tmp_path / "table.parquet")
        told = f"{error.value!r} {error.value.__cause__!r} {error.getrepr(showlocals=False, chain=True).reprcrash}"
        for secret in (SECRET, "hush@word", "hush"):
            assert secret not in told
    data = DataConfig.model_validate({"sql": {"url": wrong[0], "query": "select 1"}})
    assert "hush" not in f"{data!r} {data} {data.model_dump_json()} {data.model_dump()}"


def test_the_environment_says_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is told, without the URL."""
    monkeypatch.setenv("SHOP", str(tmp_path))
    _sqlite(tmp_path, 5)
    assert write_snapshot(_sql("sqlite:///$SHOP/shop.db"), tmp_path / "table.parquet") == 5
    assert write_snapshot(_sql("sqlite:///${SHOP}/shop.db"), tmp_path / "table.parquet") == 5
    with pytest.raises(ConfigError, match="names 1 variables of the environment that are not set"):
        write_snapshot(_sql("sqlite:///$NOWHERE_TO_BE_FOUND/shop.db"), tmp_path / "table.parquet")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """SQLite would make an empty one."""
    with pytest.raises(DataError, match="must be a file, as in"):
        write_snapshot(_sql(f"sqlite:///{tmp_path / 'none.db'}"), tmp_path / "table.parquet")
    assert not list(tmp_path.iterdir())


def test_a_column_of_several_types_is_told(tmp_path: Path) -> None:
    """SQLite lets a column hold anything; Arrow does not, and the way out is a cast."""
    url = _sqlite(tmp_path, 70_000)
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("insert into clicks values(99999999, 'many', 'u', 1.0, '')")
    database.close()
    with pytest.raises(DataError, match="Type mismatch"):
        write_snapshot(_sql(url), tmp_path / "table.parquet")
    assert write_snapshot(_sql(url, "select cast(click as text) as click from clicks"), tmp_path / "table.parquet") == 70_001


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it, for the databases of the extra and those beyond it."""
    monkeypatch.setitem(sys.modules, "adbc_driver_sqlite.dbapi", None)
    with pytest.raises(ConfigError, match=r"pip install 'ihas\[sql\]'"):
        write_snapshot(_sql(_sqlite(tmp_path, 5)), tmp_path / "table.parquet")
    with pytest.raises(ConfigError, match="adbc-driver-bigquery, which is not installed"):
        write_snapshot(_sql("bigquery://project/clicks"), tmp_path / "table.parquet")
    with pytest.raises(ConfigError, match="must begin with sqlite://, postgresql://"):
        write_snapshot(_sql("oracle://host/clicks"), tmp_path / "table.parquet")


def test_a_run_reads_no_database(tmp_path: Path) -> None:
    """What reads tables refuses a query: only the command line and Python write its file, and no worker ever connects anywhere."""
    data = DataConfig.model_validate({"sql": {"url": _sqlite(tmp_path, 5), "query": "select 1"}})
    with pytest.raises(ConfigError, match="A query is read by the command line and by Python"):
        inspect(data)


def test_the_place_is_told_without_user_and_parameters() -> None:
    """As messages and names of files have it."""
    assert described(f"postgresql+psycopg://reader:{SECRET}@host:5432/shop?password={SECRET}") == "postgresql://host:5432/shop"
