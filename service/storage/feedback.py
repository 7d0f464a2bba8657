"""What was recommended, and what people did with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import sqlalchemy as sa

from ihas_service.storage import feedback_bytes, job_rows
from ihas_service.storage.database import Database
from ihas_service.storage.feedback_bytes import EVENT_BYTES
from ihas_service.storage.feedback_room import BATCH, make_room
from ihas_service.storage.feedback_sums import Sums, hour_of, too_old, within
from ihas_service.storage.locks import FORGET_LOCK, one_at_a_time
from ihas_service.storage.tables import ANSWERS, DIRECT_EVENTS, FEEDBACK, FEEDBACK_SUMS, TRIAL_SUMS, database_now
from ihas_service.storage.trial_sums import Changes


class KeptItem(NamedTuple):
    """An item of an answer; its rank is its place among them.

    Attributes:
        propensity: probability that the item stood in its place; 1 where the ranking leaves nothing to chance.
        explored: whether it was put there to learn about it.
    """

    group: int
    score: float
    propensity: float = 1.0
    explored: bool = False

    @property
    def written(self) -> tuple[Any, ...]:
        """As the table has it: what every item of a ranking without chance has is left out."""
        return tuple(self) if self.explored or self.propensity != 1.0 else tuple(self[:2])


@dataclass(frozen=True, slots=True)
class Answer:
    """A recommendation as it was given.

    Attributes:
        id: the answer's `recommendation_id`.
        items: by id, best first; of more than `KEPT_ITEMS` the first.
        canary: whether a canary answered.
        context: JSON of the context that was stated; None where it was too large to be kept, and where the answer was read back.
        at: when it was kept, in seconds since 1970; 0 before.
        challenger: `version` that the champion's list was interleaved with, and `items` that it picked; None of one version's list.
        trial: comparison in which it counts; 0 for none, as where a caller named the version.
        pool: items that might have stood in the places of those that were shown, without these; None where nothing is left to chance, and
            where the answer was read back.
        user_id: whom its context names, where it is kept and the model knows users.
    """

    id: str
    tenant: str
    model: str
    version: int
    items: Mapping[str, KeptItem]
    canary: bool = False
    context: str | None = field(default=None, compare=False)
    at: float = field(default=0.0, compare=False)
    challenger: Mapping[str, Any] | None = None
    trial: int = 0
    pool: Sequence[str] | None = field(default=None, compare=False)
    user_id: str | None = None

    @property
    def arm(self) -> int:
        """Its version in sums of trials: the negative number of the challenger where there is one."""
        return self.version if self.challenger is None else -int(self.challenger["version"])

    @property
    def bytes(self) -> int:
        """About the bytes that it takes in the database."""
        items = sum(len(item) + ITEM_BYTES for item in self.items)
        picked = 0 if self.challenger is None else sum(map(len, self.challenger["items"]))
        drawn = 0 if self.pool is None else len(self.items) * CHANCE_BYTES + sum(len(item) + 4 for item in self.pool)
        return ANSWER_BYTES_EACH + items + picked + drawn + (0 if self.context is None else len(self.context.encode()))

    @property
    def row(self) -> dict[str, Any]:
        """Its row, but for the time."""
        values = {name: getattr(self, name) for name in (*READ, "context", "bytes", "pool")}
        return values | {"items": {item: kept.written for item, kept in self.items.items()}}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person did, or saw.

    Attributes:
        answer_id: the answer that it belongs to.
        kind: `impression`, `click`, or another one.
        value: such as the stars of a rating.
        happened_at: seconds since 1970; None where it is said as it happens.
    """

    answer_id: str
    item_id: str
    kind: str
    value: float | None = None
    happened_at: float | None = None


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """What became of the items of one group, of one version.

    Attributes:
        scored: sum of the scores of shown items.
    """

    version: int
    group: int
    impressions: int
    clicks: int
    scored: float


READ = ("id", "tenant", "model", "version", "items", "canary", "challenger", "trial", "user_id")
CLICK = "click"
"""Kind of events that `exclude_seen` goes by."""
SHOWN_OR_CLICKED = ("impression", "click")
"""Kinds that online metrics are made of."""
KEPT_ITEMS = 100
"""Items of an answer that are kept: the first, since nobody clicks on what stands below."""
ANSWER_BYTES_EACH, ITEM_BYTES, CHANCE_BYTES = 200, 30, 28
"""About the bytes of an answer without its items, of an item without its id, and of what it says of chance."""
COUNTED = tuple(part.name for part in fields(GroupCounts))

Reported = dict[tuple[str, str], dict[str, float]]
"""When each kind of deed was reported of an answer's item."""


class Feedback:
    """The tables of answers and of what people did."""

    def __init__(self, database: Database, max_bytes: int = 0) -> None:
        """
        Args:
            max_bytes: that the answers and events of a tenant may take; the oldest answers go first, with their events. 0 for no limit.
        """
        self._database, self._max_bytes = database, max_bytes

    def remember(self, answers: Sequence[Answer]) -> None:
        """Keep answers, so that events can refer to them."""
        if not answers:
            return

        def write(connection: sa.Connection) -> None:
            at, changes = job_rows.now(connection), Changes()
            for answer in answers:
                if answer.trial:
                    changes.answer((hour_of(at), answer.tenant, answer.model, answer.trial, answer.arm))
            connection.execute(ANSWERS.insert(), [answer.row | {"at": at} for answer in answers])
            changes.write(connection)
            feedback_bytes.add(connection, ((answer.tenant, answer.bytes) for answer in answers))

        self._database.write(write)
        if self._max_bytes:
            for tenant in {answer.tenant for answer in answers}:
                make_room(self._database, tenant, self._max_bytes)

    def used(self, tenant: str) -> int:
        """About the bytes that a tenant's answers and events take."""
        return self._database.write(lambda connection: feedback_bytes.of(connection, tenant))

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._database.now()

    def known(self, tenant: str, answer_ids: Iterable[str]) -> Mapping[str, Answer]:
        """A tenant's answers, by id, without their contexts; unknown ids are left out."""
        query = sa.select(*(ANSWERS.c[name] for name in (*READ, "at"))).where(ANSWERS.c.tenant == tenant, ANSWERS.c.id.in_(set(answer_ids)))
        return {row["id"]: _answer(row) for row in self._database.read(query)}

    def add(self, deeds: Sequence[tuple[Deed, Answer]]) -> None:
        """Keep what people did; what is known already is kept once, so that a repeated report changes nothing."""

        def write(connection: sa.Connection) -> None:
            places = _hold(connection, {deed.answer_id for deed, _ in deeds})
            at, sums, known = job_rows.now(connection), Sums(), _reported(connection, deeds)
            answers = {answer.id: answer for _, answer in deeds if answer.trial and answer.id in places}
            before = _values(answers, known)
            rows = [row for deed, answer in deeds if (row := _row(deed, answer, at, known, sums)) is not None]
            if rows:
                connection.execute(FEEDBACK.insert(), rows)
                feedback_bytes.add(connection, ((row["tenant"], EVENT_BYTES) for row in rows))
            sums.write(connection)
            _changes(answers, places, before, _values(answers, known)).write(connection)

        self._database.write(write)

    def counts(self, tenant: str, model: str, within_s: float) -> Sequence[GroupCounts]:
        """Impressions, clicks and expected clicks of each version and group, over the last seconds.

        A click without an impression of the same item counts as one: nobody clicks what they did not see.
        """
        own = (FEEDBACK.c.tenant == tenant) & (FEEDBACK.c.model == model) & FEEDBACK.c.kind.in_(SHOWN_OR_CLICKED)
        place = (FEEDBACK.c.answer_id, FEEDBACK.c.item_id, FEEDBACK.c.score, FEEDBACK.c.version, FEEDBACK.c.group)
        clicked = sa.func.max(sa.case((FEEDBACK.c.kind == "click", 1), else_=0)).label("clicked")
        seen = sa.select(*place, clicked).where(own & (FEEDBACK.c.at > database_now() - within_s)).group_by(*place).subquery()
        names = (seen.c.version, seen.c.group)
        totals = (
            sa.func.count().label("impressions"),
            sa.func.sum(seen.c.clicked).label("clicks"),
            sa.func.sum(seen.c.score).label("scored"),
        )
        found = self._database.read(sa.select(*names, *totals).group_by(*names).order_by(*names))
        return [GroupCounts(**row) for row in found]

    def everywhere(self, within_s: float) -> Sequence[tuple[str, str, GroupCounts]]:
        """Of every tenant and model, each with both names, over the last seconds, rounded up to hours; read from running sums."""
        found = self._database.read(within(within_s))
        return [(row["tenant"], row["model"], GroupCounts(**{name: row[name] for name in COUNTED})) for row in found]

    def forget(self, older_than_s: float, go_on: Callable[[], bool] = lambda: True) -> int:
        """Remove answers and deeds that are older, some at a time, so that nobody waits long for the writer's lock; how many answers.

        Args:
            older_than_s: seconds.
            go_on: called between two transactions; False leaves the rest to the next call.
        """
        cutoff = self.now() - older_than_s
        for table in (FEEDBACK_SUMS, TRIAL_SUMS):
            self._forget(table, sa.literal(0), too_old(table, older_than_s), go_on)
        self._forget(FEEDBACK, sa.literal(EVENT_BYTES), FEEDBACK.c.at < cutoff, go_on)
        self._forget(DIRECT_EVENTS, DIRECT_EVENTS.c.bytes, DIRECT_EVENTS.c.happened_at < cutoff, go_on)
        return self._forget(ANSWERS, ANSWERS.c.bytes, ANSWERS.c.at < cutoff, go_on)

    def _forget(self, table: sa.Table, size: sa.ColumnElement[int], old: sa.ColumnElement[bool], go_on: Callable[[], bool]) -> int:
        keys = list(table.primary_key.columns)
        some = table.delete().where(sa.tuple_(*keys).in_(sa.select(*keys).where(old).limit(BATCH))).returning(table.c.tenant, size)

        def write(connection: sa.Connection) -> int:
            one_at_a_time(connection, FORGET_LOCK)
            gone = [(tenant, -int(size)) for tenant, size in connection.execute(some)]
            feedback_bytes.add(connection, gone)
            return len(gone)

        removed = 0
        while True:
            count = self._database.write(write)
            removed += count
            if count < BATCH or not go_on():
                return removed


def _hold(connection: sa.Connection, answer_ids: Iterable[str]) -> Mapping[str, float]:
    """Let no other transaction report on these answers meanwhile: each would count an item's first report as its own; the time of each."""
    query = sa.select(ANSWERS.c.id, ANSWERS.c.at).where(ANSWERS.c.id.in_(sorted(answer_ids))).order_by(ANSWERS.c.id).with_for_update()
    return {row.id: row.at for row in connection.execute(query)}


def _values(answers: Mapping[str, Answer], reported: Reported) -> Mapping[str, int]:
    """Clicks of each answer; of an interleaved one, those on the challenger's items minus those on the champion's."""
    values = dict.fromkeys(answers, 0)
    for (answer_id, item_id), kinds in reported.items():
        if "click" in kinds and answer_id in answers:
            challenger = answers[answer_id].challenger
            values[answer_id] += 1 if challenger is None or item_id in challenger["items"] else -1
    return values


def _changes(answers: Mapping[str, Answer], given: Mapping[str, float], before: Mapping[str, int], after: Mapping[str, int]) -> Changes:
    changes = Changes()
    for answer_id, answer in answers.items():
        key = (hour_of(given[answer_id]), answer.tenant, answer.model, answer.trial, answer.arm)
        changes.value(key, before[answer_id], after[answer_id])
    return changes


def _reported(connection: sa.Connection, deeds: Sequence[tuple[Deed, Answer]]) -> Reported:
    """What is known of the items of these answers."""
    columns = (FEEDBACK.c.answer_id, FEEDBACK.c.item_id, FEEDBACK.c.kind, FEEDBACK.c.at)
    query = sa.select(*columns).where(FEEDBACK.c.answer_id.in_({deed.answer_id for deed, _ in deeds}))
    known: Reported = {}
    for answer_id, item_id, kind, at in connection.execute(query):
        known.setdefault((answer_id, item_id), {})[kind] = at
    return known


def _row(deed: Deed, answer: Answer, at: float, reported: Reported, sums: Sums) -> dict[str, Any] | None:
    """The row of one thing that was done, which from now on is known and summed up; None where it was known."""
    known = reported.setdefault((deed.answer_id, deed.item_id), {})
    if deed.kind in known:
        return None
    item, known_at = answer.items[deed.item_id], [when for kind, when in known.items() if kind in SHOWN_OR_CLICKED]
    version = _version_of(answer, deed.item_id)
    if deed.kind in SHOWN_OR_CLICKED:
        key = (hour_of(min(known_at, default=at)), answer.tenant, answer.model, version, item.group)
        sums.add(key, int(not known_at), int(deed.kind == "click"), 0.0 if known_at else item.score)
    known[deed.kind] = at
    values = {"tenant": answer.tenant, "model": answer.model, "version": version, "group": item.group, "score": item.score}
    said = {"kind": deed.kind, "at": at, "value": deed.value, "happened_at": deed.happened_at}
    said["user_id"] = answer.user_id if deed.kind == CLICK else None
    return {"answer_id": deed.answer_id, "item_id": deed.item_id, **said, **values}


def _version_of(answer: Answer, item_id: str) -> int:
    """The version that recommended an item."""
    challenger = answer.challenger
    return answer.version if challenger is None or item_id not in challenger["items"] else int(challenger["version"])


def _answer(row: sa.RowMapping) -> Answer:
    return Answer(**{**row, "items": {item: KeptItem(*kept) for item, kept in row["items"].items()}})
