"""The rows of all tables as JSON lines, and the statements that make the tables, under either database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from ihas.errors import ConfigError, DataError
from ihas_service.storage.database import HEAD, schema_of
from ihas_service.storage.tables import METADATA, MODELS

ROWS_AT_ONCE = 500
DIALECTS: Mapping[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
STATEMENT = re.compile(r'CREATE (?:TABLE|(?:UNIQUE )?INDEX) "?[a-z][a-z0-9_]*"? [^;]*', re.DOTALL)
Lines = Callable[[str], Iterable[bytes]]
"""Rows of a table, by its name."""


def statements() -> Mapping[str, Sequence[str]]:
    """What makes the tables of this version, by database."""
    tables = METADATA.sorted_tables
    made = [CreateTable(table) for table in tables] + [CreateIndex(index) for table in tables for index in _indices(table)]
    return {name: [str(one.compile(dialect=module.dialect())).strip() for one in made] for name, module in DIALECTS.items()}


def bundles_of(connection: sa.Connection) -> Mapping[str, str | None]:
    """Bundles that versions of models name: path, and the digest of the manifest where one was registered."""
    found = connection.execute(sa.select(MODELS.c.path, MODELS.c.facts).order_by(MODELS.c.path))
    return {path: facts.get("manifest_sha256") for path, facts in found}


def row_lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    """Every row of a table, each a JSON object and a line."""
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(sa.select(table).order_by(*table.primary_key.columns))
    for row in rows.mappings():
        yield json.dumps(dict(row), separators=(",", ":")).encode() + b"\n"


def put_rows(connection: sa.Connection, schema: str, made_by: Sequence[str], names: Sequence[str], lines: Lines) -> None:
    """Make the tables of a schema in an empty database, and put rows into them.

    Args:
        connection: of a transaction.
        schema: version of the rows.
        made_by: statements that made their tables.
        names: of the tables; one that others refer to comes before them.
        lines: rows of each.

    Raises:
        ConfigError: the database holds rows.
        DataError: a statement or a row is none.
    """
    _check_empty(connection)
    METADATA.drop_all(connection)
    if schema == HEAD:
        METADATA.create_all(connection)
    else:
        _make(connection, made_by)
    known = METADATA if schema == HEAD else _reflected(connection)
    for name in names:
        if name not in known.tables:
            raise DataError(f"A table of schema {schema} must be one of {', '.join(sorted(known.tables))}, but got {name!r}.")
        _put(connection, known.tables[name], lines(name))
        _count_on(connection, known.tables[name])


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


def _indices(table: sa.Table) -> list[sa.Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _check_empty(connection: sa.Connection) -> None:
    there = set(sa.inspect(connection).get_table_names())
    for table in METADATA.sorted_tables:
        if table.name in there and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            law = f"A backup is restored into an empty database, but its table {table.name!r} holds rows"
            raise ConfigError(f"{law}. Name a new database (IHAS_DATABASE_URL), or a new folder.")


def _make(connection: sa.Connection, made_by: Sequence[str]) -> None:
    """Tables of an older version, by the statements of that version; nothing else than tables and indices is made."""
    for statement in made_by:
        if not STATEMENT.fullmatch(statement):
            raise DataError(f"A backup's statements must make tables or indices, but one is {statement[:60]!r}. Take another backup.")
        connection.exec_driver_sql(statement)


def _reflected(connection: sa.Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type.none_as_null = True  # as the tables of every version have it
    return found


def _put(connection: sa.Connection, table: sa.Table, lines: Iterable[bytes]) -> None:
    waiting: list[dict[str, Any]] = []
    for line in lines:
        row = json.loads(line)
        if not isinstance(row, dict) or row.keys() != set(table.columns.keys()):
            raise DataError(f"A row of {table.name!r} must have the columns {', '.join(table.columns.keys())}. Take another backup.")
        waiting.append(row)
        if len(waiting) == ROWS_AT_ONCE:
            connection.execute(table.insert(), waiting)
            waiting = []
    if waiting:
        connection.execute(table.insert(), waiting)


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Let numbers that the database gives go on after the highest one; SQLite does so by itself."""
    key = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(key) != 1 or not isinstance(key[0].type, sa.Integer):
        return
    sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, key[0].name))).scalar_one()
    highest = connection.execute(sa.select(sa.func.max(key[0]))).scalar_one()
    if sequence is not None and highest is not None:
        connection.execute(sa.select(sa.func.setval(sequence, highest)))
