"""What people did, summed up by the hour as it is reported, so that whoever looks at a week reads hours and not events.

An item of an answer counts in the hour of the first report of it, by the database's clock, and so does a click on it, whenever that comes:
an hour never has more clicks than impressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ihas_service.storage.tables import FEEDBACK_SUMS, database_now

HOUR_S = 3_600.0
KEYS = ("hour", "tenant", "model", "version", "group")
FIGURES = ("impressions", "clicks", "scored")
Key = tuple[int, str, str, int, int]
"""Hours since 1970, tenant, model, version, group."""


class Sums:
    """What one transaction adds to the sums."""

    def __init__(self) -> None:
        self._found: dict[Key, tuple[int, int, float]] = {}

    def add(self, key: Key, impressions: int, clicks: int, scored: float) -> None:
        """Count items that were shown, clicks on them, and the scores that they had."""
        before = self._found.get(key, (0, 0, 0.0))
        self._found[key] = before[0] + impressions, before[1] + clicks, before[2] + scored

    def write(self, connection: sa.Connection) -> None:
        """Add them, always in the same order, so that two transactions wait for each other in one direction only."""
        for key in sorted(self._found):
            _write(connection, dict(zip(KEYS, key, strict=True)), dict(zip(FIGURES, self._found[key], strict=True)))


def _write(connection: sa.Connection, key: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    same = sa.and_(*(FEEDBACK_SUMS.c[name] == value for name, value in key.items()))
    summed = {name: FEEDBACK_SUMS.c[name] + figure for name, figure in more.items()}
    if connection.execute(FEEDBACK_SUMS.update().where(same).values(**summed)).rowcount == 0:
        connection.execute(FEEDBACK_SUMS.insert().values(**key, **more))


def hour_of(at: float) -> int:
    """The hour that a time lies in; both since 1970."""
    return int(at // HOUR_S)


def within(within_s: float) -> sa.Select[Any]:
    """Sums of every tenant, model, version and group over the last seconds, rounded up to hours."""
    recent = FEEDBACK_SUMS.c.hour > database_now() / HOUR_S - within_s / HOUR_S - 1
    names = [FEEDBACK_SUMS.c[name] for name in KEYS[1:]]
    totals = [sa.func.sum(FEEDBACK_SUMS.c[name]).label(name) for name in FIGURES]
    return sa.select(*names, *totals).where(recent).group_by(*names).order_by(*names)


def too_old(table: sa.Table, older_than_s: float) -> sa.ColumnElement[bool]:
    """Whether a row of a table of sums by the hour lies wholly before the last seconds."""
    return table.c.hour < database_now() / HOUR_S - older_than_s / HOUR_S - 1
