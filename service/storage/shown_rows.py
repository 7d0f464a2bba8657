"""What was shown, joined with what people did: one row for each shown item of an answer, and for events without an answer.

An item of an answer was shown where any event on it is known, and is positive where an event that meets the rule happened within the
window after the answer. Of events without an answer, one that meets the rule is a positive row. Any other one is a negative row, unless
one that meets it follows within the window on the same item in the same context, for then it is part of that row; and unless it is no
impression and comes within the window after another one there, for then the item has its row already.

Rows come in order of time, page by page by their keys. What was reported after `as_of` is not seen, and a row whose window ends after it
is left out, so that the same question has the same answer for as long as nothing is forgotten.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.positive import Positive
from ihas_service.storage.tables import ANSWERS, DIRECT_EVENTS, FEEDBACK

PAGE = 500
"""Answers, or events without an answer, that are in memory at once."""
ANSWERED_KEY, DIRECT_KEY = (ANSWERS.c.at, ANSWERS.c.id), (DIRECT_EVENTS.c.happened_at, DIRECT_EVENTS.c.digest)
IMPRESSION = "impression"


@dataclass(frozen=True, slots=True)
class RowsAsked:
    """Which rows are asked for. Times are seconds since 1970.

    Attributes:
        since: earliest time of a row.
        until: rows lie before it.
        as_of: reports after it are not seen.
        window_s: seconds after an answer, within which events belong to it.
        positive: what makes a row positive.
        open: whether rows come whose window has not ended.
    """

    tenant: str
    model: str
    since: float
    until: float
    as_of: float
    window_s: float
    positive: Positive
    open: bool = False

    @property
    def end(self) -> float:
        """The time before which rows come."""
        return min(self.until, self.as_of if self.open else self.closed)

    @property
    def closed(self) -> float:
        """The time at which a window that has just ended began."""
        return self.as_of - self.window_s


class Placed(NamedTuple):
    """Where and by what an item was shown.

    Attributes:
        propensity: None in a list of two rankings, whose places chance gave.
        version: that ranked the item.
    """

    answer_id: str
    rank: int
    score: float
    propensity: float | None
    version: int
    group: int
    canary: bool
    explored: bool


class ShownRow(NamedTuple):
    """An item that was shown.

    Attributes:
        at: when it was recommended, or the event without an answer happened; seconds since 1970.
        context: JSON of the context.
        placed: None for an event without an answer.
    """

    at: float
    context: str
    item_id: str
    positive: bool
    placed: Placed | None


class LeftOut(NamedTuple):
    """Rows that do not come.

    Attributes:
        open: their window has not ended.
        without_context: their context was not kept: it was too large, or they are of a release that kept none.
    """

    open: int
    without_context: int


class ShownRows:
    """Rows of the tables of answers and events."""

    def __init__(self, database: Database, page: int = PAGE) -> None:
        self._database, self._page = database, page

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._database.now()

    def rows(self, asked: RowsAsked) -> Iterator[ShownRow]:
        """All rows, in order of time; at the same time those of answers first."""
        return heapq.merge(self._answered(asked), self._direct(asked), key=lambda row: row.at)

    def left_out(self, asked: RowsAsked) -> LeftOut:
        """How many rows the same question leaves out."""
        started = max(asked.since, asked.closed)
        shown = sa.select(FEEDBACK.c.answer_id, FEEDBACK.c.item_id).join(ANSWERS, ANSWERS.c.id == FEEDBACK.c.answer_id)
        shown = shown.where(_own(ANSWERS, asked), _seen(asked)).distinct()
        unread = ANSWERS.c.context.is_(None) & (ANSWERS.c.at >= asked.since) & (ANSWERS.c.at < asked.end)
        if asked.open:
            return LeftOut(0, self._count(shown.where(unread)))
        waiting = ANSWERS.c.context.is_not(None) & (ANSWERS.c.at >= started) & (ANSWERS.c.at < asked.until)
        direct = _direct_rows(asked, started, asked.until)
        return LeftOut(self._count(shown.where(waiting)) + self._count(direct), self._count(shown.where(unread)))

    def _count(self, query: sa.Select[Any]) -> int:
        return int(self._database.read(sa.select(sa.func.count().label("rows")).select_from(query.subquery()))[0]["rows"])

    def _answered(self, asked: RowsAsked) -> Iterator[ShownRow]:
        known = sa.exists().where(FEEDBACK.c.answer_id == ANSWERS.c.id, FEEDBACK.c.at <= asked.as_of)
        period = (ANSWERS.c.at >= asked.since) & (ANSWERS.c.at < asked.end) & ANSWERS.c.context.is_not(None)
        query = sa.select(ANSWERS).where(_own(ANSWERS, asked), period, known)
        for answers in self._pages(query, ANSWERED_KEY):
            labels = self.labels(asked, [answer["id"] for answer in answers])
            for answer in answers:
                yield from _rows_of(answer, labels.get(answer["id"], {}))

    def labels(self, asked: RowsAsked, answer_ids: Sequence[str]) -> dict[str, dict[str, bool]]:
        """Of each answer the items that were shown, and whether each is positive."""
        met = sa.func.max(sa.case((asked.positive.met_by(FEEDBACK.c.kind, FEEDBACK.c.value), 1), else_=0))
        place = (FEEDBACK.c.answer_id, FEEDBACK.c.item_id)
        query = sa.select(*place, met.label("met")).join(ANSWERS, ANSWERS.c.id == FEEDBACK.c.answer_id)
        found: dict[str, dict[str, bool]] = {}
        for row in self._database.read(query.where(FEEDBACK.c.answer_id.in_(answer_ids), _seen(asked)).group_by(*place)):
            found.setdefault(row["answer_id"], {})[row["item_id"]] = bool(row["met"])
        return found

    def _direct(self, asked: RowsAsked) -> Iterator[ShownRow]:
        for events in self._pages(_direct_rows(asked, asked.since, asked.end), DIRECT_KEY):
            for event in events:
                met = asked.positive.meets(event["kind"], event["value"])
                yield ShownRow(event["happened_at"], event["context"], event["item_id"], met, None)

    def _pages(self, query: sa.Select[Any], key: tuple[sa.Column[Any], ...]) -> Iterator[Sequence[sa.RowMapping]]:
        """Pages of a query in the order of a key, each begun behind the last row of the one before."""
        after = query
        while found := self._database.read(after.order_by(*key).limit(self._page)):
            yield found
            if len(found) < self._page:
                return
            after = query.where(sa.tuple_(*key) > sa.tuple_(*(sa.literal(found[-1][column.name], column.type) for column in key)))


def _own(table: sa.Table, asked: RowsAsked) -> sa.ColumnElement[bool]:
    return (table.c.tenant == asked.tenant) & (table.c.model == asked.model)


def _seen(asked: RowsAsked) -> sa.ColumnElement[bool]:
    """Whether an event on an answer was reported in time, and happened within the answer's window."""
    happened = sa.func.coalesce(FEEDBACK.c.happened_at, FEEDBACK.c.at)
    return (FEEDBACK.c.at <= asked.as_of) & (happened <= ANSWERS.c.at + asked.window_s)


def _rows_of(answer: sa.RowMapping, labels: dict[str, bool]) -> Iterator[ShownRow]:
    challenger = answer["challenger"]
    for rank, (item, (group, score, *chance)) in enumerate(answer["items"].items(), start=1):
        if item in labels:
            propensity, explored = chance or (1.0 if challenger is None else None, False)
            version = answer["version"] if challenger is None or item not in challenger["items"] else challenger["version"]
            placed = Placed(answer["id"], rank, score, propensity, version, group, answer["canary"], explored)
            yield ShownRow(answer["at"], answer["context"], item, labels[item], placed)


def _direct_rows(asked: RowsAsked, since: float, until: float) -> sa.Select[Any]:
    """Events without an answer that are rows; the law is at the head of this module."""
    event, other = DIRECT_EVENTS.c, DIRECT_EVENTS.alias("other").c
    there = (other.place == event.place) & (other.at <= asked.as_of)
    later = there & (other.happened_at >= event.happened_at) & (other.happened_at <= event.happened_at + asked.window_s)
    before = (other.happened_at < event.happened_at) | (
        (other.happened_at == event.happened_at) & ((other.kind == IMPRESSION) | (other.digest < event.digest))
    )
    earlier = there & (other.happened_at >= event.happened_at - asked.window_s) & (other.happened_at <= event.happened_at) & before
    negative = ~sa.exists().where(later, asked.positive.met_by(other.kind, other.value))
    first = (event.kind == IMPRESSION) | ~sa.exists().where(earlier)
    period = (event.happened_at >= since) & (event.happened_at < until) & (event.at <= asked.as_of)
    met = asked.positive.met_by(event.kind, event.value)
    return sa.select(DIRECT_EVENTS).where(_own(DIRECT_EVENTS, asked), period, met | (negative & first))
