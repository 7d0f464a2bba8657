"""Events without an answer: a click from elsewhere, a history that is imported. Each says its context, its item and its time itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ihas_service.storage import feedback_bytes, job_rows
from ihas_service.storage.contexts import compared, digest
from ihas_service.storage.database import Database
from ihas_service.storage.feedback_room import make_room
from ihas_service.storage.tables import DIRECT_EVENTS

DIRECT_BYTES = 300
"""About the bytes of such an event in the database without its context and the id of its item."""


@dataclass(frozen=True)
class DirectEvent:
    """An event without an answer; two of the same model, context, item, kind and time are one.

    Attributes:
        context: JSON as it was stated.
        stated: the same, read.
        happened_at: seconds since 1970.
        user_id: whom a click's context names, where the model knows users.
    """

    tenant: str
    model: str
    context: str
    stated: Mapping[str, Any]
    item_id: str
    kind: str
    value: float | None
    happened_at: float
    user_id: str | None = None

    @cached_property
    def place(self) -> str:
        """Digits that events on the same item in the same context share, however its cells are spelt."""
        return digest(self.tenant, self.model, compared(self.stated), self.item_id)

    @cached_property
    def digest(self) -> str:
        """Digits that only the same event has."""
        return digest(self.place, self.kind, float(self.happened_at))

    @property
    def bytes(self) -> int:
        """About the bytes that it takes in the database."""
        return DIRECT_BYTES + len(self.item_id) + len(self.context.encode())

    def row(self, at: float) -> dict[str, Any]:
        """Its row, reported at a time."""
        values = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "stated"}
        return values | {"digest": self.digest, "place": self.place, "bytes": self.bytes, "at": at}


class DirectEvents:
    """The table of events without an answer."""

    def __init__(self, database: Database, max_bytes: int = 0) -> None:
        """
        Args:
            max_bytes: that the answers and events of a tenant may take; the oldest go first. 0 for no limit.
        """
        self._database, self._max_bytes = database, max_bytes

    def add(self, events: Sequence[DirectEvent]) -> None:
        """Keep events, each once, so that a repeated report changes nothing."""
        if not events:
            return

        def write(connection: sa.Connection) -> None:
            found = {event.digest: event for event in reversed(events)}  # of two in one report the first stands
            at = job_rows.now(connection)
            rows = [found[name].row(at) for name in sorted(found)]
            kept = _insert(connection).on_conflict_do_nothing().returning(DIRECT_EVENTS.c.tenant, DIRECT_EVENTS.c.bytes)
            feedback_bytes.add(connection, [(tenant, size) for tenant, size in connection.execute(kept, rows)])

        self._database.write(write)
        for tenant in {event.tenant for event in events}:
            make_room(self._database, tenant, self._max_bytes)


def _insert(connection: sa.Connection) -> postgresql.Insert | sqlite.Insert:
    """An insertion that may say what becomes of rows that are there already, as both databases have it."""
    return postgresql.insert(DIRECT_EVENTS) if connection.dialect.name == "postgresql" else sqlite.insert(DIRECT_EVENTS)
