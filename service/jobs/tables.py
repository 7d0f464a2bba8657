"""Tables of the service, and how its database is opened."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

METADATA = sa.MetaData()
BUSY_S = 30.0
CREATE_LOCK = 4_711  # any number, the same for all processes

Json = sa.JSON(none_as_null=True)


class database_now(FunctionElement[float]):  # noqa: N801 - read as an SQL function
    """Seconds since 1970 by the database's clock."""

    inherit_cache = True
    type = sa.Double()


@compiles(database_now, "sqlite")
def _now_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _now_postgresql(*_: Any, **__: Any) -> str:
    return "cast(extract(epoch from clock_timestamp()) as double precision)"


JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), unique=True, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("dataset_id", sa.String(64), nullable=False),
    sa.Column("settings", Json, nullable=False),
    sa.Column("key", sa.String(255), unique=True),
    sa.Column("body_hash", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(200)),
    sa.Column("lease_until", sa.Double),
    sa.Column("heartbeat_at", sa.Double),
    sa.Column("fraction", sa.Double, nullable=False),
    sa.Column("eta_s", sa.Double),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("error", Json),
    sa.Column("last_event", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Integer),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
)

EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("job_id", sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("fraction", sa.Double, nullable=False),
    sa.Column("eta_s", sa.Double),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("metrics", Json, nullable=False),
    sa.Column("error", Json),
)

DATASETS = sa.Table(
    "datasets",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), unique=True, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reading", Json, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("referenced", sa.Boolean, nullable=False),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("job_id", sa.String(64)),
    sa.Column("report", Json),
    sa.Column("error", Json),
    sa.Column("created_at", sa.Double, nullable=False),
)

MODELS = sa.Table(
    "model_versions",
    METADATA,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("job_id", sa.ForeignKey("jobs.id"), unique=True, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)


def open_engine(url: str) -> sa.Engine:
    """An engine on the database at `url`, whose tables are created where they are missing.

    SQLite is put into write-ahead mode, waits for a lock instead of failing, and begins every writing transaction as a writer,
    so that transactions follow one another as they do under PostgreSQL's row locks.
    """
    sqlite = sa.make_url(url).get_backend_name() == "sqlite"
    arguments = {"timeout": BUSY_S} if sqlite else {}
    engine = sa.create_engine(url, connect_args=arguments, pool_size=8, max_overflow=40, pool_pre_ping=not sqlite)
    if sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CREATE_LOCK)))
        METADATA.create_all(connection)
    return engine


def reading(engine: sa.Engine) -> sa.Engine:
    """The same engine for transactions that only read: under SQLite they wait for no writer."""
    return engine.execution_options(only_reads=True)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's `begin` event says BEGIN, not the driver
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma foreign_keys = on")


def _begin_sqlite(connection: sa.Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("begin" if only_reads else "begin immediate")
