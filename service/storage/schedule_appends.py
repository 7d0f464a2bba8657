"""The version that a schedule appends to its data set, added once, whoever looks."""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.storage.catalogue import DatasetVersion, NewVersion
from ihas_service.storage.database import Database
from ihas_service.storage.schedules import Schedule, locked
from ihas_service.storage.sql_catalogue import append_version
from ihas_service.storage.tables import SCHEDULES


def settle(database: Database, seen: Schedule) -> bool:
    """Note that what was appended is checked and starts nothing by itself; False where another process ended the turn."""

    def write(connection: sa.Connection) -> bool:
        found = locked(connection, seen)
        if found is None:
            return False
        own = (SCHEDULES.c.tenant == seen.tenant) & (SCHEDULES.c.model == seen.model)
        connection.execute(SCHEDULES.update().where(own).values(turn=found.turn + 1, append_version=None))
        return True

    return database.write(write)


def append_for(database: Database, seen: Schedule, new: NewVersion, until: float, max_bytes: int = 0) -> DatasetVersion | None:
    """Append rows to the data set and note it with the schedule, in one transaction; None where another process ended the turn.

    Args:
        seen: the schedule as it was read.
        new: the rows.
        until: rows before this time are appended, in seconds since 1970.
        max_bytes: that the tenant's data sets may take; 0 for no limit.

    Raises:
        ConflictError: the data set takes no rows now.
        QuotaError: there is no room for them.
    """

    def write(connection: sa.Connection) -> DatasetVersion | None:
        found = locked(connection, seen)
        if found is None:
            return None
        version = append_version(connection, new, max_bytes)
        own = (SCHEDULES.c.tenant == seen.tenant) & (SCHEDULES.c.model == seen.model)
        values = {"turn": found.turn + 1, "append_version": version.version, "events_until": until}
        connection.execute(SCHEDULES.update().where(own).values(**values))
        return version

    return database.write(write)
