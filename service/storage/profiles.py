"""Fields of known users that are kept beside the bundles, so that they change without a new model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from ihas_service.errors import UnknownIdError
from ihas_service.storage import job_rows, quotas
from ihas_service.storage.database import Database
from ihas_service.storage.plain_text import plain
from ihas_service.storage.room import Room
from ihas_service.storage.tables import MODELS, PROFILE_SUMS, PROFILES
from ihas_service.storage.version_numbers import hold_together

PROFILE_BYTES = 150
"""About the bytes of a user without id and fields."""
WORDS = ("fields of known users", "IHAS_MAX_PROFILE_BYTES_PER_TENANT", "Delete users (`DELETE /v1/models/{name}/users/{user}`)")
Fields = Mapping[str, Any]
Name = tuple[str, str]
"""Tenant, and name of the model."""
NONE = {"revision": 0, "users": 0, "bytes": 0}


@dataclass(frozen=True, slots=True)
class ProfileSum:
    """What is kept of one model.

    Attributes:
        revision: grows with every change.
        users: how many.
        bytes: that they take, about.
    """

    revision: int
    users: int
    bytes: int


class Profiles:
    """The table of known users; user ids are spelt as `user_of` spells them."""

    def __init__(self, database: Database, max_bytes: int = 0) -> None:
        """
        Args:
            max_bytes: that the users of a tenant may take; 0 for no limit.
        """
        self._database, self._max_bytes = database, max_bytes

    def put(self, name: Name, users: Mapping[str, Fields]) -> None:
        """Let these be the fields of users, in the place of what was known of them here; all of them or none.

        Raises:
            UnknownIdError: there is no such model.
            QuotaError: there is no room for them.
        """
        rows = {user: _row(name, user, fields) for user, fields in users.items()}

        def write(connection: sa.Connection) -> None:
            hold_together(connection, *name)
            if connection.execute(sa.select(MODELS.c.version).where(_same(MODELS, name, "name")).limit(1)).first() is None:
                raise UnknownIdError(f"There is no model {name[1]!r}.")
            before, gone = _locked(connection, name), _removed(connection, name, list(rows))
            more = sum(row["bytes"] for row in rows.values()) - sum(gone)
            Room(WORDS, _used(connection, name[0]), self._max_bytes).check(max(more, 0))
            at, revision = job_rows.now(connection), before.revision + 1
            connection.execute(PROFILES.insert(), [row | {"revision": revision, "at": at} for row in rows.values()])
            _sum(connection, name, ProfileSum(revision, before.users + len(rows) - len(gone), before.bytes + more))

        if rows:
            self._database.write(write)

    def delete(self, name: Name, user: str) -> bool:
        """Forget what is known of a user here; whether anything was."""

        def write(connection: sa.Connection) -> bool:
            before, gone = _locked(connection, name), _removed(connection, name, [user])
            if gone:
                _sum(connection, name, ProfileSum(before.revision + 1, before.users - 1, before.bytes - sum(gone)))
            return bool(gone)

        return self._database.write(write)

    def get(self, name: Name, user: str) -> Fields:
        """Fields of a user.

        Raises:
            UnknownIdError: none are kept here.
        """
        found = self._database.read(sa.select(PROFILES.c.fields).where(_same(PROFILES, name), PROFILES.c.user_id == user))
        if not found:
            raise UnknownIdError(f"No fields of user {user[:80]!r} are kept beside model {name[1]!r}.")
        fields: Fields = found[0]["fields"]
        return fields

    def sums(self, name: Name | None = None) -> Mapping[Name, ProfileSum]:
        """What is kept of every model, or of one."""
        query = sa.select(PROFILE_SUMS) if name is None else sa.select(PROFILE_SUMS).where(_same(PROFILE_SUMS, name))
        rows = self._database.read(query)
        return {(row["tenant"], row["model"]): ProfileSum(row["revision"], row["users"], row["bytes"]) for row in rows}

    def changed(self, name: Name, after: int) -> Sequence[tuple[str, Fields]]:
        """Users whose fields were put after a revision; all after 0."""
        query = sa.select(PROFILES.c.user_id, PROFILES.c.fields).where(_same(PROFILES, name), PROFILES.c.revision > after)
        return [(row["user_id"], row["fields"]) for row in self._database.read(query)]


def _row(name: Name, user: str, fields: Fields) -> dict[str, Any]:
    size = PROFILE_BYTES + len(user.encode()) + len(msgspec.json.encode(fields))
    return {"tenant": name[0], "model": name[1], "user_id": user, "fields": plain(dict(fields)), "bytes": size}


def _locked(connection: sa.Connection, name: Name) -> ProfileSum:
    """What is kept of a model; nobody else changes what the tenant keeps before the transaction ends."""
    quotas.one_of_tenant(connection, name[0])
    found = connection.execute(sa.select(PROFILE_SUMS).where(_same(PROFILE_SUMS, name))).mappings().first() or NONE
    return ProfileSum(found["revision"], found["users"], found["bytes"])


def _removed(connection: sa.Connection, name: Name, users: Sequence[str]) -> list[int]:
    """Bytes of the users that went."""
    own = _same(PROFILES, name) & PROFILES.c.user_id.in_(users)
    return list(connection.execute(PROFILES.delete().where(own).returning(PROFILES.c.bytes)).scalars())


def _sum(connection: sa.Connection, name: Name, found: ProfileSum) -> None:
    values = {"revision": found.revision, "users": found.users, "bytes": found.bytes}
    if connection.execute(PROFILE_SUMS.update().where(_same(PROFILE_SUMS, name)).values(**values)).rowcount == 0:
        connection.execute(PROFILE_SUMS.insert().values(tenant=name[0], model=name[1], **values))


def _used(connection: sa.Connection, tenant: str) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(PROFILE_SUMS.c.bytes), 0)).where(PROFILE_SUMS.c.tenant == tenant)
    return int(connection.execute(query).scalar_one())


def _same(table: sa.Table, name: Name, model: str = "model") -> sa.ColumnElement[bool]:
    return (table.c.tenant == name[0]) & (table.c[model] == name[1])
