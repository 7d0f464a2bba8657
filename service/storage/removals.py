"""Files that are to go: listed in the transaction that deletes what they belong to, and crossed off once they are gone.

A process that is killed between the two leaves a list; whoever looks at it next goes on. A path stays on the list for a while after it was
removed, since a process that was at work there may have written once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.removal_notes import note
from ihas_service.storage.tables import REMOVALS, database_now

PAGE = 1_000
MAX_NAMED = 5
"""What uses a thing, as many as a refusal names."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Files that are to go.

    Attributes:
        path: of a file or folder, relative to the service's folder.
        settled: whether nobody can be at work there any more.
    """

    number: int
    path: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted.

    Attributes:
        bytes: that no longer count against the tenant's quota.
        paths: of files that are to go, relative to the service's folder.
        job_ids: jobs whose folder stays and has become smaller.
    """

    bytes: int
    paths: tuple[str, ...] = ()
    job_ids: tuple[str, ...] = ()


def noted(connection: sa.Connection, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths, which are now on the list of those that go."""
    found = tuple(paths)
    for path in found:
        note(connection, path)
    return found


def listed(words: Iterable[str]) -> str:
    """The first of what uses a thing, and how many more."""
    found = list(words)
    shown = ", ".join(found[:MAX_NAMED])
    return shown if len(found) <= MAX_NAMED else f"{shown} and {len(found) - MAX_NAMED} more"


class Removals:
    """The list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, number: int, settle_s: float) -> Sequence[Removal]:
        """Some entries above a number, in order; those settle that are older than so many seconds."""
        settled = (REMOVALS.c.at < database_now() - settle_s).label("settled")
        query = sa.select(REMOVALS.c.number, REMOVALS.c.path, settled).where(REMOVALS.c.number > number)
        found = self._database.read(query.order_by(REMOVALS.c.number).limit(PAGE))
        return [Removal(row["number"], row["path"], bool(row["settled"])) for row in found]

    def cross_off(self, number: int) -> None:
        """Take an entry off the list."""
        self._database.write(lambda connection: connection.execute(REMOVALS.delete().where(REMOVALS.c.number == number)))
