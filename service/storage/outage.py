"""Which errors of a database say that it is away, and which that it was asked for what it cannot hold."""

from __future__ import annotations

from sqlalchemy import exc

AWAY = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)
"""The database, the way to it, or a place among its connections is not to be had; the last is the pool's."""


def is_outage(error: BaseException) -> bool:
    """Whether the database, and not what it was asked, is at fault: the same may succeed later.

    A damaged SQLite file is told as a plain `DatabaseError`, without a kind.
    """
    cut = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    return cut or isinstance(error, AWAY) or type(error) is exc.DatabaseError


def is_unstorable(error: BaseException) -> bool:
    """Whether a value was one that no column holds, such as a text with a character of number 0 under PostgreSQL."""
    return isinstance(error, exc.DataError) and not is_outage(error)
