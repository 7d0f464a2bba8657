"""Aliases of versions, such as `champion`, and their history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa

from ihas_service.errors import ConflictError, PreconditionError, UnknownIdError
from ihas_service.storage import job_rows
from ihas_service.storage.database import Database
from ihas_service.storage.tables import ALIAS_CHANGES, ALIASES
from ihas_service.storage.version_numbers import check_there, deleted, hold_together

CHAMPION = "champion"
ANY = -1
ABSENT = 0
NONE = 0
"""Number in the place of a version where none is to serve."""
ChangeKind = Literal["set", "rollback", "deleted"]


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a version of a model.

    Attributes:
        version: the version; `NONE` where no version is to serve.
        revision: 1, 2, 3, ...; grows with every change.
        change: number of the change that made it so.
    """

    tenant: str
    model: str
    alias: str
    version: int
    revision: int
    change: int


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One change of an alias.

    Attributes:
        kind: whether it was set, rolled back, or deleted.
        before: number of the change that a rollback of this one returns to.
        actor: who changed it.
        reason: stated by the actor.
        at: seconds since 1970.
    """

    number: int
    tenant: str
    model: str
    alias: str
    version: int
    kind: ChangeKind
    revision: int
    before: int | None
    actor: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class AliasRef:
    """Which alias is meant, who changes it, and why."""

    tenant: str
    model: str
    alias: str
    actor: str = ""
    reason: str = ""


Target = Callable[[sa.Connection, AliasChange | None], tuple[int, int | None]]
"""The version that an alias is to point at, and the change that a rollback returns to, of the change in force."""


class Aliases:
    """The table of aliases.

    Every change names the revision that it expects: `ABSENT` where there must be none yet, `ANY` where that does not matter.
    Of several changes that expect the same revision, one is made and the others are refused.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, ref: AliasRef) -> Alias:
        """One alias.

        Raises:
            UnknownIdError: the model has no such alias.
        """
        found = self._database.read(sa.select(ALIASES).where(_same(ALIASES, ref)))
        if not found:
            raise UnknownIdError(f"Model {ref.model!r} has no alias {ref.alias!r}.")
        return Alias(**found[0])

    def of_model(self, tenant: str, model: str) -> Sequence[Alias]:
        """A model's aliases, by name."""
        query = sa.select(ALIASES).where(ALIASES.c.tenant == tenant, ALIASES.c.model == model).order_by(ALIASES.c.alias)
        return [Alias(**row) for row in self._database.read(query)]

    def everywhere(self, alias: str) -> Sequence[Alias]:
        """An alias of all models of all tenants."""
        return [Alias(**row) for row in self._database.read(sa.select(ALIASES).where(ALIASES.c.alias == alias))]

    def history(self, ref: AliasRef, before: int | None, limit: int) -> Sequence[AliasChange]:
        """Changes with a revision below `before`, newest first."""
        query = sa.select(ALIAS_CHANGES).where(_same(ALIAS_CHANGES, ref)).order_by(ALIAS_CHANGES.c.revision.desc()).limit(limit)
        if before is not None:
            query = query.where(ALIAS_CHANGES.c.revision < before)
        return [AliasChange(**row) for row in self._database.read(query)]

    def earlier(self, ref: AliasRef, limit: int = 10) -> Sequence[int]:
        """Versions that rollbacks would return to, one after the other."""

        def read(connection: sa.Connection) -> Sequence[int]:
            found: list[int] = []
            change = _current(connection, ref)
            while change is not None and change.before is not None and len(found) < limit:
                change = _change(connection, change.before)
                found.append(change.version)
            return found

        return self._database.write(read)

    def put(self, ref: AliasRef, version: int, expected: int) -> Alias:
        """Point an alias at a version.

        Raises:
            PreconditionError: its revision is not the expected one.
            ConflictError: the version was deleted.
        """
        return self._database.write(lambda connection: point(connection, ref, version, expected))

    def roll_back(self, ref: AliasRef, expected: int, otherwise: int | None = None) -> Alias:
        """Point an alias at its former version, or at `otherwise` if there is none; a second call goes one version further back.

        Versions that were deleted are passed over.

        Raises:
            ConflictError: there is no former version and no `otherwise`.
            PreconditionError: its revision is not the expected one.
        """

        def target(connection: sa.Connection, current: AliasChange | None) -> tuple[int, int | None]:
            before = None if current is None else _before(connection, current)
            if before is not None:
                return before.version, before.before
            if otherwise is None:
                law = f"{ref.alias!r} of model {ref.model!r} has no former version"
                raise ConflictError(f'{law}. Promote one by its number, or let none serve: {{"to": "none"}}.')
            return otherwise, None

        return self._database.write(lambda connection: _point(connection, ref, expected, "rollback", target))

    def roll_back_to(self, ref: AliasRef, version: int, expected: int) -> Alias:
        """Point an alias at a version that is named, or at `NONE`; a rollback from there returns to what it pointed at before.

        Raises:
            PreconditionError: its revision is not the expected one.
            ConflictError: the version was deleted.
        """
        return self._database.write(lambda connection: point(connection, ref, version, expected, "rollback"))

    def delete(self, ref: AliasRef, expected: int = ANY) -> None:
        """Delete an alias other than the champion; its history stays and says so, and goes on if it is set again.

        Raises:
            UnknownIdError: the model has no such alias.
            ConflictError: a version answers by it.
            PreconditionError: its revision is not the expected one.
        """

        def write(connection: sa.Connection) -> None:
            hold_together(connection, ref.tenant, ref.model)
            current = _current(connection, ref)
            if current is None:
                raise UnknownIdError(f"Model {ref.model!r} has no alias {ref.alias!r}.")
            if ref.alias == CHAMPION:
                by_it = "no version serves, as it says" if current.version == NONE else f"version {current.version} answers by it"
                used = f"{ref.alias!r} of model {ref.model!r} is in use: {by_it}"
                raise ConflictError(f"{used}. Promote another version, or delete the model with all its versions.")
            _check(ref, current.revision, expected)
            _noted(connection, ref, "deleted", current.revision + 1, current.version, None)
            connection.execute(ALIASES.delete().where(_same(ALIASES, ref)))

        self._database.write(write)


def point(connection: sa.Connection, ref: AliasRef, version: int, expected: int, kind: ChangeKind = "set") -> Alias:
    """Point an alias at a version within a transaction; see `Aliases.put`."""

    def target(_: sa.Connection, current: AliasChange | None) -> tuple[int, int | None]:
        return version, None if current is None else current.number

    return _point(connection, ref, expected, kind, target)


def _point(connection: sa.Connection, ref: AliasRef, expected: int, kind: ChangeKind, target: Target) -> Alias:
    hold_together(connection, ref.tenant, ref.model)  # before the alias, as whoever deletes a model does
    current = _current(connection, ref)
    _check(ref, 0 if current is None else current.revision, expected)
    version, before = target(connection, current)
    if version != NONE:
        check_there(connection, ref.tenant, ref.model, (version,))
    revision = 1 + (_last_revision(connection, ref) if current is None else current.revision)
    number = _noted(connection, ref, kind, revision, version, before)
    alias = Alias(ref.tenant, ref.model, ref.alias, version, revision, number)
    written = ALIASES.insert() if current is None else ALIASES.update().where(_same(ALIASES, ref))
    connection.execute(written.values(**asdict(alias)))
    return alias


def _check(ref: AliasRef, revision: int, expected: int) -> None:
    if expected not in (ANY, revision):
        is_now = f"has revision {revision}" if revision else "does not exist"
        wanted = f"revision {expected}" if expected else "that there is none"
        raise PreconditionError(f"{ref.alias!r} of model {ref.model!r} {is_now}, but the change expects {wanted}. Read it again.")


def _noted(connection: sa.Connection, ref: AliasRef, kind: ChangeKind, revision: int, version: int, before: int | None) -> int:
    """Number of a change, which is now in the history."""
    values: dict[str, Any] = {**asdict(ref), "version": version, "kind": kind, "revision": revision, "before": before}
    query = ALIAS_CHANGES.insert().values(**values, at=job_rows.now(connection)).returning(ALIAS_CHANGES.c.number)
    return int(connection.execute(query).scalar_one())


def _last_revision(connection: sa.Connection, ref: AliasRef) -> int:
    """Revision that an alias had when it was deleted, so that no `ETag` of it is that of another one; 0 where there was none."""
    return int(connection.execute(sa.select(sa.func.max(ALIAS_CHANGES.c.revision)).where(_same(ALIAS_CHANGES, ref))).scalar() or 0)


def _current(connection: sa.Connection, ref: AliasRef) -> AliasChange | None:
    """The change in force; no other transaction changes it before this one ends."""
    number = connection.execute(sa.select(ALIASES.c.change).where(_same(ALIASES, ref)).with_for_update()).scalar_one_or_none()
    return None if number is None else _change(connection, number)


def _change(connection: sa.Connection, number: int) -> AliasChange:
    return AliasChange(**connection.execute(sa.select(ALIAS_CHANGES).where(ALIAS_CHANGES.c.number == number)).mappings().one())


def _before(connection: sa.Connection, change: AliasChange) -> AliasChange | None:
    """The change that a rollback of `change` returns to: the last one before whose version there is still."""
    while change.before is not None:
        change = _change(connection, change.before)
        if change.version == NONE or not deleted(connection, change.tenant, change.model, (change.version,)):
            return change
    return None


def _same(table: sa.Table, ref: AliasRef) -> sa.ColumnElement[bool]:
    return (table.c.tenant == ref.tenant) & (table.c.model == ref.model) & (table.c.alias == ref.alias)
