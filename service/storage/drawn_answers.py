"""Answers whose order was left to chance, each with the labels of what it showed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.feedback import KeptItem
from ihas_service.storage.shown_rows import PAGE, RowsAsked, ShownRows
from ihas_service.storage.tables import ANSWERS

NEWEST = (ANSWERS.c.at, ANSWERS.c.id)
COLUMNS = tuple(ANSWERS.c[name] for name in ("id", "at", "version", "items", "context", "pool"))


class DrawnAnswer(NamedTuple):
    """An answer.

    Attributes:
        version: that ranked its items.
        context: JSON as it was stated; None where it was not kept.
        items: shown items by id, best first.
        positive: those that met the rule.
        pool: items that might have stood in their places.
    """

    version: int
    context: str | None
    items: dict[str, KeptItem]
    positive: frozenset[str]
    pool: Sequence[str]


class DrawnAnswers:
    """Reads them from the table of answers."""

    def __init__(self, database: Database, page: int = PAGE) -> None:
        self._database, self._page, self._rows = database, page, ShownRows(database)

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._database.now()

    def newest(self, asked: RowsAsked, most: int) -> Iterator[DrawnAnswer]:
        """The newest answers of a period, newest first. Items of which nothing is known count as not positive.

        Args:
            asked: tenant, model, period, rule and window.
            most: answers.
        """
        own = (ANSWERS.c.tenant == asked.tenant) & (ANSWERS.c.model == asked.model) & ANSWERS.c.pool.is_not(None)
        query = sa.select(*COLUMNS).where(own, ANSWERS.c.at >= asked.since, ANSWERS.c.at < asked.end)
        after = query
        while most > 0 and (found := self._database.read(after.order_by(*(one.desc() for one in NEWEST)).limit(min(self._page, most)))):
            labels = self._rows.labels(asked, [answer["id"] for answer in found])
            yield from (_drawn(answer, labels.get(answer["id"], {})) for answer in found)
            most -= len(found)
            last = (sa.literal(found[-1][column.name], column.type) for column in NEWEST)
            after = query.where(sa.tuple_(*NEWEST) < sa.tuple_(*last))


def _drawn(answer: sa.RowMapping, labels: dict[str, bool]) -> DrawnAnswer:
    items: dict[str, Any] = answer["items"]
    kept = {item: KeptItem(*values) for item, values in items.items()}
    positive = frozenset(item for item, met in labels.items() if met)
    return DrawnAnswer(answer["version"], answer["context"], kept, positive, answer["pool"])
