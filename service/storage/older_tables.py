"""Tables as an earlier version of iHAS had them: those of the first version that could be backed up, and the migrations since."""

from __future__ import annotations

import sqlalchemy as sa

from ihas.errors import ConfigError
from ihas_service.storage.database import HEAD, MIGRATIONS, VERSION, migrate, stamp
from ihas_service.storage.tables import METADATA

OLDEST = "0013"
"""The earliest schema whose tables can be made; `migrations/tables_0013` holds what made them."""


def check_schema(schema: str) -> None:
    """Refuse a schema whose tables cannot be made.

    Raises:
        ConfigError: a newer version wrote it, or a version that made no backups.
    """
    if schema > HEAD:
        raise ConfigError(f"The backup has schema {schema}, but this version of iHAS reads {HEAD}. Use the newer version.")
    if schema < OLDEST:
        raise ConfigError(f"The backup has schema {schema}, but backups begin with {OLDEST}. Take another backup.")


def make_tables(connection: sa.Connection, schema: str) -> sa.MetaData:
    """Make the tables of a schema in a database that has none of them; what they are.

    Raises:
        ConfigError: see `check_schema`.
    """
    check_schema(schema)
    if schema == HEAD:
        METADATA.create_all(connection)
        return METADATA
    for statement in (MIGRATIONS / f"tables_{OLDEST}" / f"{connection.dialect.name}.sql").read_text().split(";\n")[:-1]:
        connection.exec_driver_sql(statement)
    VERSION.drop(connection, checkfirst=True)
    stamp(connection, OLDEST)
    migrate(connection, schema)
    return _reflected(connection)


def _reflected(connection: sa.Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type.none_as_null = True  # as the tables of every version have it
    return found
