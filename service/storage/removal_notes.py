"""A file that is to go is put on the list, inside the transaction that deletes what it belongs to."""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.storage.tables import REMOVALS, database_now


def note(connection: sa.Connection, path: str) -> None:
    """Put a path on the list."""
    connection.execute(REMOVALS.insert().values(path=path, at=database_now()))
