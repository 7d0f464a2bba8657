"""Locks of the database that hold between processes; under SQLite its one writer's is enough."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

CREATE_LOCK, CLAIM_LOCK, ROOM_LOCK, QUOTA_LOCK, FORGET_LOCK = 4_711, 4_712, 4_713, 4_714, 4_715  # any numbers, the same for all processes


def one_at_a_time(connection: sa.Connection, *lock: Any) -> None:
    """Hold a lock, a number or two, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*lock)))
