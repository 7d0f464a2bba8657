"""The rows of all tables as JSON lines, under either database. A copy holds values alone: what makes the tables is ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ihas.errors import ConfigError, DataError
from ihas_service.storage.database import VERSION, schema_of
from ihas_service.storage.older_tables import make_tables
from ihas_service.storage.outage import is_outage
from ihas_service.storage.tables import METADATA, MODELS

ROWS_AT_ONCE = 500
WAY_OUT = "Take another backup."
Lines = Callable[[str], Iterable[bytes]]
"""Rows of a table, by its name."""


def bundles_of(connection: sa.Connection) -> Mapping[str, str | None]:
    """Bundles that versions of models name: path, and the digest of the manifest where one was registered."""
    found = connection.execute(sa.select(MODELS.c.path, MODELS.c.facts).order_by(MODELS.c.path))
    return {path: facts.get("manifest_sha256") for path, facts in found}


def row_lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    """Every row of a table, each a JSON object and a line."""
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(sa.select(table).order_by(*table.primary_key.columns))
    for row in rows.mappings():
        yield json.dumps(dict(row), separators=(",", ":")).encode() + b"\n"


def put_rows(connection: sa.Connection, schema: str, names: Sequence[str], lines: Lines) -> None:
    """Make the tables of a schema in an empty database, and put rows into them.

    Args:
        connection: of a transaction.
        schema: version of the rows.
        names: of the tables; one that others refer to comes before them.
        lines: rows of each.

    Raises:
        ConfigError: the database holds rows, or the schema is one of a newer version.
        DataError: a row is none.
    """
    _check_empty(connection)
    METADATA.drop_all(connection)
    known = make_tables(connection, schema)
    for name in names:
        if name not in known.tables or name == VERSION.name:
            raise DataError(f"A table of schema {schema} must be one of {', '.join(sorted(known.tables))}, but got {name!r}.")
        try:
            _put(connection, known.tables[name], lines(name))
        except sa.exc.SQLAlchemyError as error:
            if is_outage(error):
                raise
            raise DataError(f"A row of {name!r} is none that the table holds ({type(error).__name__}). {WAY_OUT}") from error
        _count_on(connection, known.tables[name])
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("pragma foreign_key_check").first() is not None:
        raise DataError(f"Rows of the backup refer to rows that it does not hold. {WAY_OUT}")


def check_empty(url: str) -> None:
    """Refuse a database that holds rows; one without tables is empty.

    Raises:
        ConfigError: it holds rows.
    """
    if schema_of(url) is None:
        return
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            _check_empty(connection)
    finally:
        engine.dispose()


def _check_empty(connection: sa.Connection) -> None:
    there = set(sa.inspect(connection).get_table_names())
    for table in METADATA.sorted_tables:
        if table.name in there and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            law = f"A backup is restored into an empty database, but its table {table.name!r} holds rows"
            raise ConfigError(f"{law}. Name a new database (IHAS_DATABASE_URL), or a new folder.")


def _put(connection: sa.Connection, table: sa.Table, lines: Iterable[bytes]) -> None:
    waiting: list[dict[str, Any]] = []
    for line in lines:
        waiting.append(_row(table, line))
        if len(waiting) == ROWS_AT_ONCE:
            connection.execute(table.insert(), waiting)
            waiting = []
    if waiting:
        connection.execute(table.insert(), waiting)


def _row(table: sa.Table, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"A row of {table.name!r} is no JSON object ({type(error).__name__}). {WAY_OUT}") from error
    if not isinstance(row, dict) or row.keys() != set(table.columns.keys()):
        raise DataError(f"A row of {table.name!r} must have the columns {', '.join(table.columns.keys())}. {WAY_OUT}")
    return row


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Let numbers that the database gives go on after the highest one; SQLite does so by itself."""
    key = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(key) != 1 or not isinstance(key[0].type, sa.Integer):
        return
    sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, key[0].name))).scalar_one()
    highest = connection.execute(sa.select(sa.func.max(key[0]))).scalar_one()
    if sequence is not None and highest is not None:
        connection.execute(sa.select(sa.func.setval(sequence, highest)))
