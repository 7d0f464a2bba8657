"""A clock that the simulation sets, in place of the database's: SQLite's `julianday`, by which the service tells the time, reads a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ihas.folders import write_whole
from ihas_service.simulation.plan import DAY_S

EPOCH = 2_440_587.5
"""Julian day of the beginning of 1970."""


class ClockFile:
    """A file with the time, which processes read and one sets."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def set(self, at: float) -> None:
        """Let it be `at`, in seconds since 1970."""
        write_whole(self.path, repr(at))

    def now(self) -> float:
        """Seconds since 1970."""
        return float(self.path.read_text(encoding="ascii"))


@contextmanager
def databases_follow(clock: ClockFile) -> Iterator[None]:
    """Let connections to SQLite that this process opens in the block tell the time by the clock."""

    def tell(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.create_function("julianday", 1, lambda _: EPOCH + clock.now() / DAY_S)

    sa.event.listen(sa.pool.Pool, "connect", tell)
    try:
        yield
    finally:
        sa.event.remove(sa.pool.Pool, "connect", tell)
