"""What each process of the API counts in memory, written down so that all of them can be added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.replica_tables import REPLICA_FIGURES
from ihas_service.storage.tables import database_now

KEPT_S = 86_400.0
"""Seconds after which figures that nobody wrote anew count no more."""
Key = tuple[str, str, int]
"""Tenant, model and version."""


class ReplicaFigures:
    """The table: one row for each process and version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, replica: str, figures: Mapping[Key, Mapping[str, Any]]) -> None:
        """Write down what a process has counted since its start, in place of what it wrote before; forget what is too old."""
        self._database.write(lambda connection: _put(connection, replica, figures))

    def of_others(self, replica: str, tenant: str, model: str) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Versions of a model, each with what another process has counted; a version as often as processes did."""
        table = REPLICA_FIGURES
        of_model = sa.and_(table.c.tenant == tenant, table.c.model == model, table.c.replica != replica)
        query = sa.select(table.c.version, table.c.figures).where(of_model, table.c.at > database_now() - KEPT_S)
        return [(row["version"], row["figures"]) for row in self._database.read(query.order_by(table.c.version, table.c.replica))]


def _put(connection: sa.Connection, replica: str, figures: Mapping[Key, Mapping[str, Any]]) -> None:
    table = REPLICA_FIGURES
    now = float(connection.execute(sa.select(database_now())).scalar_one())
    for key in sorted(figures):
        place = {"replica": replica, **dict(zip(("tenant", "model", "version"), key, strict=True))}
        same = sa.and_(*(table.c[name] == value for name, value in place.items()))
        row = {"figures": figures[key], "at": now}
        if connection.execute(table.update().where(same).values(**row)).rowcount == 0:
            connection.execute(table.insert().values(**place, **row))
    connection.execute(table.delete().where(table.c.at < now - KEPT_S))
