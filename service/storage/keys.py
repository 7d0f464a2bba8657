"""API keys: what is kept of them is a digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from ihas_service.errors import UnknownIdError
from ihas_service.storage import job_rows
from ihas_service.storage.database import Database
from ihas_service.storage.tables import KEYS


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the table has it. Times are seconds since 1970 by the database's clock.

    Attributes:
        id: part of the key that may be shown.
        tenant: whose objects it opens.
        name: for people.
        digest: SHA-256 of the whole key, hexadecimal.
        scopes: what it may do.
        expires_at: when it ends; None for never.
        revoked_at: when somebody ended it.
    """

    id: str
    tenant: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None
    revoked_at: float | None


class Keys:
    """The table of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: Key) -> Key:
        """Keep a key; its `created_at` is set here, and `expires_at` is taken as seconds from now."""

        def write(connection: sa.Connection) -> Key:
            at = job_rows.now(connection)
            dated = replace(key, created_at=at, expires_at=None if key.expires_at is None else at + key.expires_at)
            connection.execute(KEYS.insert().values(**{**asdict(dated), "scopes": list(dated.scopes)}))
            return dated

        return self._database.write(write)

    def find(self, key_id: str) -> Key | None:
        """The key of an id, that of any tenant."""
        found = self._database.read(sa.select(KEYS).where(KEYS.c.id == key_id))
        return _key(dict(found[0])) if found else None

    def of_tenant(self, tenant: str) -> Sequence[Key]:
        """A tenant's keys, newest first."""
        query = sa.select(KEYS).where(KEYS.c.tenant == tenant).order_by(KEYS.c.created_at.desc(), KEYS.c.id)
        return [_key(dict(row)) for row in self._database.read(query)]

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._database.write(job_rows.now)

    def revoke(self, key_id: str, tenant: str) -> Key:
        """End a key now; one that has ended stays as it was.

        Raises:
            UnknownIdError: the tenant has no such key.
        """
        return self._database.write(lambda connection: _change(connection, key_id, tenant, {"revoked_at": job_rows.now(connection)}))

    def expire(self, key_id: str, tenant: str, within_s: float) -> Key:
        """Let a key end within some seconds, if it would not end sooner.

        Raises:
            UnknownIdError: the tenant has no such key.
        """
        return self._database.write(
            lambda connection: _change(connection, key_id, tenant, {"expires_at": job_rows.now(connection) + within_s})
        )


def _change(connection: sa.Connection, key_id: str, tenant: str, values: Mapping[str, float]) -> Key:
    same = (KEYS.c.id == key_id) & (KEYS.c.tenant == tenant)
    found = connection.execute(sa.select(KEYS).where(same).with_for_update()).mappings().one_or_none()
    if found is None:
        raise UnknownIdError(f"There is no key {key_id!r}.")
    earlier = {name: at for name, at in values.items() if found[name] is None or at < found[name]}
    if earlier:
        connection.execute(KEYS.update().where(same).values(**earlier))
    return _key({**found, **earlier})


def _key(row: Mapping[str, Any]) -> Key:
    values: dict[str, Any] = dict(row)
    return Key(**{**values, "scopes": tuple(values["scopes"])})
