"""Fields of users, or of items, that are kept beside the bundles, so that they change without a new model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from ihas_service.errors import UnknownIdError
from ihas_service.storage import job_rows, quotas
from ihas_service.storage.database import Database
from ihas_service.storage.plain_text import plain
from ihas_service.storage.room import Room
from ihas_service.storage.tables import MODELS
from ihas_service.storage.version_numbers import hold_together

ROW_BYTES = 150
"""About the bytes of a user or an item without id and fields."""
Fields = Mapping[str, Any]
Name = tuple[str, str]
"""Tenant, and name of the model."""


@dataclass(frozen=True, slots=True)
class PutSum:
    """What is kept of one model.

    Attributes:
        revision: grows with every change.
        count: how many users, or items.
        bytes: that they take, about.
    """

    revision: int
    count: int
    bytes: int


NOTHING = PutSum(0, 0, 0)


@dataclass(frozen=True)
class PutKind:
    """Of what fields are kept.

    Attributes:
        noun: one of them, for errors.
        table: their fields.
        key: column of their ids, spelt as `user_of` spells users.
        sums: what is kept of each model.
        count: column of how many there are.
        words: what is full, the setting that limits it, and the way out.
    """

    noun: str
    table: sa.Table
    key: sa.Column[str]
    sums: sa.Table
    count: sa.Column[int]
    words: tuple[str, str, str]


class PutFields:
    """The table of one kind."""

    kind: ClassVar[PutKind]

    def __init__(self, database: Database, max_bytes: int = 0) -> None:
        """
        Args:
            max_bytes: that those of a tenant may take; 0 for no limit.
        """
        self._database, self._max_bytes = database, max_bytes

    def put(self, name: Name, fields: Mapping[str, Fields]) -> None:
        """Let these be the fields, by id, in the place of what was known of them here; all of them or none.

        Raises:
            UnknownIdError: there is no such model.
            QuotaError: there is no room for them.
        """
        rows = {one: self._row(name, one, said) for one, said in fields.items()}

        def write(connection: sa.Connection) -> None:
            hold_together(connection, *name)
            if connection.execute(sa.select(MODELS.c.version).where(_same(MODELS, name, "name")).limit(1)).first() is None:
                raise UnknownIdError(f"There is no model {name[1]!r}.")
            before, gone = self._locked(connection, name), self._removed(connection, name, self.kind.key.in_(list(rows)))
            more = sum(row["bytes"] for row in rows.values()) - sum(gone)
            Room(self.kind.words, self._used(connection, name[0]), self._max_bytes).check(max(more, 0))
            at, revision = job_rows.now(connection), before.revision + 1
            connection.execute(self.kind.table.insert(), [row | {"revision": revision, "at": at} for row in rows.values()])
            self._sum(connection, name, PutSum(revision, before.count + len(rows) - len(gone), before.bytes + more))

        if rows:
            self._database.write(write)

    def delete(self, name: Name, one: str) -> bool:
        """Forget what is known of one here; whether anything was."""
        return self._forget(name, self.kind.key == one) > 0

    def clear(self, name: Name, before: float | None = None) -> int:
        """Forget what is known of all here, or of those that were put last before a time in seconds since 1970; how many."""
        return self._forget(name, sa.true() if before is None else self.kind.table.c.at < before)

    def get(self, name: Name, one: str) -> Fields:
        """Fields of one.

        Raises:
            UnknownIdError: none are kept here.
        """
        found = self._database.read(sa.select(self.kind.table.c.fields).where(_same(self.kind.table, name), self.kind.key == one))
        if not found:
            raise UnknownIdError(f"No fields of {self.kind.noun} {one[:80]!r} are kept beside model {name[1]!r}.")
        fields: Fields = found[0]["fields"]
        return fields

    def sums(self, name: Name | None = None) -> Mapping[Name, PutSum]:
        """What is kept of every model, or of one."""
        sums, count = self.kind.sums, self.kind.count.name
        rows = self._database.read(sa.select(sums) if name is None else sa.select(sums).where(_same(sums, name)))
        return {(row["tenant"], row["model"]): PutSum(row["revision"], row[count], row["bytes"]) for row in rows}

    def changed(self, name: Name, after: int) -> Sequence[tuple[str, Fields]]:
        """Those whose fields were put after a revision; all after 0."""
        table, key = self.kind.table, self.kind.key
        query = sa.select(key, table.c.fields).where(_same(table, name), table.c.revision > after)
        return [(row[key.name], row["fields"]) for row in self._database.read(query)]

    def _forget(self, name: Name, which: sa.ColumnElement[bool]) -> int:
        def write(connection: sa.Connection) -> int:
            before, gone = self._locked(connection, name), self._removed(connection, name, which)
            if gone:
                self._sum(connection, name, PutSum(before.revision + 1, before.count - len(gone), before.bytes - sum(gone)))
            return len(gone)

        return self._database.write(write)

    def _row(self, name: Name, one: str, fields: Fields) -> dict[str, Any]:
        size = ROW_BYTES + len(one.encode()) + len(msgspec.json.encode(fields))
        return {"tenant": name[0], "model": name[1], self.kind.key.name: one, "fields": plain(dict(fields)), "bytes": size}

    def _locked(self, connection: sa.Connection, name: Name) -> PutSum:
        """What is kept of a model; nobody else changes what the tenant keeps before the transaction ends."""
        quotas.one_of_tenant(connection, name[0])
        found = connection.execute(sa.select(self.kind.sums).where(_same(self.kind.sums, name))).mappings().first()
        return NOTHING if found is None else PutSum(found["revision"], found[self.kind.count.name], found["bytes"])

    def _removed(self, connection: sa.Connection, name: Name, which: sa.ColumnElement[bool]) -> list[int]:
        """Bytes of those that went."""
        table = self.kind.table
        return list(connection.execute(table.delete().where(_same(table, name) & which).returning(table.c.bytes)).scalars())

    def _sum(self, connection: sa.Connection, name: Name, found: PutSum) -> None:
        sums = self.kind.sums
        values = {"revision": found.revision, self.kind.count.name: found.count, "bytes": found.bytes}
        if connection.execute(sums.update().where(_same(sums, name)).values(**values)).rowcount == 0:
            connection.execute(sums.insert().values(tenant=name[0], model=name[1], **values))

    def _used(self, connection: sa.Connection, tenant: str) -> int:
        sums = self.kind.sums
        query = sa.select(sa.func.coalesce(sa.func.sum(sums.c.bytes), 0)).where(sums.c.tenant == tenant)
        return int(connection.execute(query).scalar_one())


def _same(table: sa.Table, name: Name, model: str = "model") -> sa.ColumnElement[bool]:
    return (table.c.tenant == name[0]) & (table.c[model] == name[1])
