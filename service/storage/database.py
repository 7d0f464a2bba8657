"""Opening of the database, with migration to the schema of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ihas.errors import ConfigError
from ihas_service.storage import replica_tables as _replica_tables  # noqa: F401 - adds its tables to the others
from ihas_service.storage.locks import CREATE_LOCK, one_at_a_time
from ihas_service.storage.outage import is_outage
from ihas_service.storage.tables import METADATA, database_now

Result = TypeVar("Result")
TRIES = 5
BUSY_S = 30.0
BUSY_STEP_S = 0.01
FIRST, HEAD = "0001", "0016"
MIGRATIONS = Path(__file__).with_name("migrations")
VERSION = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))


class Database:
    """A database with all tables; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._reads = reading(self._engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def check(self) -> None:
        """Reach the database and read of every table, or raise what the driver raises.

        SQLite does so by a connection of its own: one that is open already answers from what it has read before.
        """
        with self._reads.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.invalidate()
            _read_every_table(connection)

    def read(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        """Rows of a query, as one transaction that only reads."""
        with self._reads.begin() as connection:
            return connection.execute(query).mappings().all()

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and sees the database as it was at one moment however long it lasts."""
        options = {} if self._reads.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with self._reads.execution_options(**options).begin() as connection:
            yield connection

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return float(self.read(sa.select(database_now().label("at")))[0]["at"])

    def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` as one transaction; once more where another one took the same key or version number first."""
        for _ in range(TRIES - 1):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except IntegrityError:
                continue
        with self._engine.begin() as connection:
            return work(connection)


def open_engine(url: str) -> sa.Engine:
    """An engine on the database at `url`, whose tables are created, or brought up to date, where they need it.

    SQLite is put into write-ahead mode, waits for a lock instead of failing, and begins every writing transaction as a writer,
    so that transactions follow one another as they do under PostgreSQL's row locks.

    Raises:
        ConfigError: a newer version of iHAS wrote the database, or the URL names none that can be opened.
    """
    try:
        bring_up_to_date(url)
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"The database's URL must be one that SQLAlchemy opens, such as postgresql+psycopg://..., but: {error}"
        ) from error
    except sa.exc.DBAPIError as error:
        if not is_outage(error):
            raise
        said = str(error.orig).strip().splitlines()[0]
        way = "Start it, or correct IHAS_DATABASE_URL; restore a backup of one that is damaged."
        raise ConfigError(f"The database must be one that can be read, but: {said}. {way}") from error
    return _engine(url, foreign_keys=True)


def reading(engine: sa.Engine) -> sa.Engine:
    """The same engine for transactions that only read: under SQLite they wait for no writer."""
    return engine.execution_options(only_reads=True)


def bring_up_to_date(url: str) -> None:
    """Create the tables, or migrate those of an older version; one process at a time, in one transaction.

    Raises:
        ConfigError: a newer version of iHAS wrote the database.
    """
    engine = _engine(url, foreign_keys=False)  # SQLite rebuilds a table that others refer to
    try:
        with engine.begin() as connection:
            one_at_a_time(connection, CREATE_LOCK)
            _bring_up_to_date(connection)
            _read_every_table(connection)
    finally:
        engine.dispose()


def schema_of(url: str) -> str | None:
    """Version of the schema that a database has, which stays as it is; None where it has no tables of iHAS.

    Raises:
        ConfigError: it cannot be read.
    """
    engine = _engine(url, foreign_keys=True)
    try:
        with reading(engine).begin() as connection:
            tables = set(sa.inspect(connection).get_table_names())
            if "jobs" not in tables:
                return None
            return str(connection.execute(sa.select(VERSION.c.version_num)).scalar_one()) if VERSION.name in tables else FIRST
    except sa.exc.DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0]
        raise ConfigError(f"The database must be one that can be read, but: {said}. Start it, or correct IHAS_DATABASE_URL.") from error
    finally:
        engine.dispose()


def fill_empty(url: str, schema: str, fill: Callable[[sa.Connection], None]) -> None:
    """Let `fill` make the tables of a schema, and their rows, and bring them up to date; all in one transaction.

    Args:
        url: of the database.
        schema: version of the tables that `fill` makes.
        fill: makes them, and refuses a database that is not empty.
    """
    engine = _engine(url, foreign_keys=False)
    try:
        with engine.begin() as connection:
            one_at_a_time(connection, CREATE_LOCK)
            fill(connection)
            VERSION.drop(connection, checkfirst=True)
            stamp(connection, schema)
            _bring_up_to_date(connection)
            _read_every_table(connection)
    finally:
        engine.dispose()


def _bring_up_to_date(connection: sa.Connection) -> None:
    tables = set(sa.inspect(connection).get_table_names())
    if "jobs" not in tables:
        METADATA.create_all(connection)
        stamp(connection, HEAD)
        return
    if VERSION.name not in tables:
        stamp(connection, FIRST)  # the first release wrote no version
    found = connection.execute(sa.select(VERSION.c.version_num)).scalar_one()
    if found > HEAD:
        raise ConfigError(f"The database has schema {found}, but this version of iHAS reads {HEAD}. Start the newer version.")
    if found < HEAD:
        migrate(connection)


def _read_every_table(connection: sa.Connection) -> None:
    """Meet damage here, and not where something is first asked for."""
    for table in METADATA.sorted_tables:
        connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).all()


def migrate(connection: sa.Connection, to: str = "head") -> None:
    """Bring the tables from the schema that is stamped on them to a later one.

    Raises:
        ConfigError: rows refer to rows that do not exist.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    command.upgrade(config, to)
    broken = connection.exec_driver_sql("pragma foreign_key_check").all() if connection.dialect.name == "sqlite" else []
    if broken:
        raise ConfigError(f"{len(broken)} rows of the database refer to rows that do not exist; it stays as it was. Restore a backup.")


def stamp(connection: sa.Connection, version: str) -> None:
    """Note the schema of the tables, which have none noted."""
    VERSION.create(connection, checkfirst=True)
    connection.execute(VERSION.insert().values(version_num=version))


def _engine(url: str, foreign_keys: bool) -> sa.Engine:
    sqlite = sa.make_url(url).get_backend_name() == "sqlite"
    arguments = {"timeout": BUSY_S} if sqlite else {}
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True, pool_size=8, max_overflow=40, pool_pre_ping=not sqlite)
    if sqlite:
        sa.event.listen(engine, "connect", lambda connection, _: _prepare_sqlite(connection, foreign_keys))
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, foreign_keys: bool) -> None:
    connection.isolation_level = None  # SQLAlchemy's `begin` event says BEGIN, not the driver
    _write_ahead(connection)
    connection.execute(f"pragma foreign_keys = {'on' if foreign_keys else 'off'}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Of several connections that change the mode at once, SQLite refuses all but one immediately, whatever its timeout is."""
    deadline = monotonic() + BUSY_S
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            sleep(BUSY_STEP_S)


def _begin_sqlite(connection: sa.Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("begin" if only_reads else "begin immediate")
