"""Requests of each caller within a minute, counted over all processes of the API."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.replica_tables import REQUEST_COUNTS
from ihas_service.storage.tables import database_now

MINUTE_S = 60.0
FORGOTTEN_S = 600.0
"""Seconds after its beginning for which a minute is kept."""


class RequestCounts:
    """The table of counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, requests: Mapping[str, int]) -> Mapping[str, tuple[int, float]]:
        """Count requests.

        Args:
            requests: how many more of each caller.

        Returns:
            For each of them: requests of all processes in the minute that began with its first one, and seconds that are left of it.
        """
        return self._database.write(lambda connection: _add(connection, requests))


def _add(connection: sa.Connection, requests: Mapping[str, int]) -> Mapping[str, tuple[int, float]]:
    now = float(connection.execute(sa.select(database_now())).scalar_one())
    for caller in sorted(requests):  # in one order, so that two transactions wait for each other in one direction only
        _count(connection, caller, requests[caller], now)
    table = REQUEST_COUNTS
    connection.execute(table.delete().where(table.c.began < now - FORGOTTEN_S))
    found = connection.execute(sa.select(table).where(table.c.caller.in_(sorted(requests)))).mappings()
    return {row["caller"]: (row["requests"], min(MINUTE_S, max(0.0, row["began"] + MINUTE_S - now))) for row in found}


def _count(connection: sa.Connection, caller: str, more: int, now: float) -> None:
    table, began = REQUEST_COUNTS, REQUEST_COUNTS.c.began
    over = (began <= now - MINUTE_S) | (began > now + MINUTE_S)  # the latter where the database's clock was set back
    counted = {
        "requests": sa.case((over, more), else_=table.c.requests + more),
        "began": sa.case((over, now), else_=table.c.began),
    }
    if connection.execute(table.update().where(table.c.caller == caller).values(**counted)).rowcount == 0:
        connection.execute(table.insert().values(caller=caller, began=now, requests=more))
