"""Room for answers and events: what is oldest goes, whether people were answered or reported it without an answer."""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.storage import feedback_bytes
from ihas_service.storage.database import Database
from ihas_service.storage.feedback_bytes import EVENT_BYTES
from ihas_service.storage.locks import FORGET_LOCK, one_at_a_time
from ihas_service.storage.tables import ANSWERS, DIRECT_EVENTS, FEEDBACK

BATCH = 1_000
"""Rows that one transaction removes."""
MAX_ROUNDS = 20
"""Transactions that make room after one that keeps something; more than that needs, so that others are not held up."""


def make_room(database: Database, tenant: str, max_bytes: int, batch: int = BATCH) -> None:
    """Remove a tenant's oldest answers, with their events, and oldest events without an answer, until the rest takes no more bytes."""
    for _ in range(MAX_ROUNDS if max_bytes else 0):
        if not database.write(lambda connection: _make_room(connection, tenant, max_bytes, batch)):
            return


def _make_room(connection: sa.Connection, tenant: str, max_bytes: int, batch: int) -> int:
    """One transaction of it; how many went, 0 where there is room, or nothing that could go."""
    one_at_a_time(connection, FORGET_LOCK)
    over = feedback_bytes.of(connection, tenant) - max_bytes
    if over <= 0:
        return 0
    going: dict[str, list[str]] = {ANSWERS.name: [], DIRECT_EVENTS.name: []}
    for _, table, key, size in _oldest(connection, tenant, batch):
        if over <= 0:
            break
        going[table].append(key)
        over -= size
    events = connection.execute(FEEDBACK.delete().where(FEEDBACK.c.answer_id.in_(going[ANSWERS.name]))).rowcount
    gone = [
        *_removed(connection, ANSWERS, ANSWERS.c.id, going[ANSWERS.name]),
        *_removed(connection, DIRECT_EVENTS, DIRECT_EVENTS.c.digest, going[DIRECT_EVENTS.name]),
    ]
    feedback_bytes.add(connection, [(tenant, -sum(gone) - events * EVENT_BYTES)])
    return len(gone)


def _oldest(connection: sa.Connection, tenant: str, batch: int) -> list[tuple[float, str, str, int]]:
    """Time, table, key and bytes of what is oldest, locked, oldest first; what another transaction removes is passed over."""
    found: list[tuple[float, str, str, int]] = []
    for table, key, at in ((ANSWERS, ANSWERS.c.id, ANSWERS.c.at), (DIRECT_EVENTS, DIRECT_EVENTS.c.digest, DIRECT_EVENTS.c.happened_at)):
        query = sa.select(at, key, table.c.bytes).where(table.c.tenant == tenant).order_by(at, key).limit(batch)
        found += [(when, table.name, name, size) for when, name, size in connection.execute(query.with_for_update(skip_locked=True))]
    return sorted(found)[:batch]


def _removed(connection: sa.Connection, table: sa.Table, key: sa.Column[str], names: list[str]) -> list[int]:
    """Bytes of the rows that this transaction removed."""
    return list(connection.execute(table.delete().where(key.in_(names)).returning(table.c.bytes)).scalars()) if names else []
