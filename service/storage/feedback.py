"""What was recommended, and what people did with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from service.storage import job_rows
from service.storage.database import Database
from service.storage.tables import ANSWERS, FEEDBACK, database_now


@dataclass(frozen=True, slots=True)
class Answer:
    """A recommendation as it was given.

    Attributes:
        id: the answer's `recommendation_id`.
        items: id of an item to its group and its score.
    """

    id: str
    tenant: str
    model: str
    version: int
    items: Mapping[str, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person did, or saw.

    Attributes:
        answer_id: the answer that it belongs to.
        kind: `impression` or `click`.
    """

    answer_id: str
    item_id: str
    kind: str


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


KEPT = tuple(part.name for part in fields(Answer))  # asdict would copy every item
COUNTED = tuple(part.name for part in fields(GroupCounts))


class Feedback:
    """The tables of answers and of what people did."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, answers: Sequence[Answer]) -> None:
        """Keep answers, so that events can refer to them."""
        if not answers:
            return

        def write(connection: sa.Connection) -> None:
            at = job_rows.now(connection)
            connection.execute(ANSWERS.insert(), [{name: getattr(answer, name) for name in KEPT} | {"at": at} for answer in answers])

        self._database.write(write)

    def known(self, tenant: str, answer_ids: Iterable[str]) -> Mapping[str, Answer]:
        """A tenant's answers, by id; unknown ids are left out."""
        query = sa.select(ANSWERS).where(ANSWERS.c.tenant == tenant, ANSWERS.c.id.in_(set(answer_ids)))
        return {row["id"]: _answer(row) for row in self._database.read(query)}

    def add(self, deeds: Sequence[tuple[Deed, Answer]]) -> None:
        """Keep what people did; what is known already is kept once, so that a repeated report changes nothing."""

        def write(connection: sa.Connection) -> None:
            at = job_rows.now(connection)
            for deed, answer in deeds:
                group, score = answer.items[deed.item_id]
                keys = {"answer_id": deed.answer_id, "item_id": deed.item_id, "kind": deed.kind}
                same = sa.and_(*(FEEDBACK.c[name] == value for name, value in keys.items()))
                if connection.execute(sa.select(FEEDBACK.c.at).where(same)).first() is None:
                    values = {"tenant": answer.tenant, "model": answer.model, "version": answer.version, "at": at}
                    connection.execute(FEEDBACK.insert().values(**keys, **values, group=group, score=score))

        self._database.write(write)

    def counts(self, tenant: str, model: str, within_s: float) -> Sequence[GroupCounts]:
        """Impressions, clicks and expected clicks of each version and group, over the last seconds.

        A click without an impression of the same item counts as one: nobody clicks what they did not see.
        """
        own = (FEEDBACK.c.tenant == tenant) & (FEEDBACK.c.model == model)
        return [counts for _, _, counts in self._counts(own, within_s)]

    def everywhere(self, within_s: float) -> Sequence[tuple[str, str, GroupCounts]]:
        """The same of every tenant and model, each with both names."""
        return self._counts(sa.true(), within_s)

    def _counts(self, of: sa.ColumnElement[bool], within_s: float) -> Sequence[tuple[str, str, GroupCounts]]:
        recent = of & (FEEDBACK.c.at > database_now() - within_s)
        whose = (FEEDBACK.c.tenant, FEEDBACK.c.model, FEEDBACK.c.version, FEEDBACK.c.group)
        place = (FEEDBACK.c.answer_id, FEEDBACK.c.item_id, FEEDBACK.c.score, *whose)
        clicked = sa.func.max(sa.case((FEEDBACK.c.kind == "click", 1), else_=0)).label("clicked")
        seen = sa.select(*place, clicked).where(recent).group_by(*place).subquery()
        count = (
            sa.func.count().label("impressions"),
            sa.func.sum(seen.c.clicked).label("clicks"),
            sa.func.sum(seen.c.score).label("scored"),
        )
        names = [seen.c[column.name] for column in whose]
        found = self._database.read(sa.select(*names, *count).group_by(*names).order_by(*names))
        return [(row["tenant"], row["model"], GroupCounts(**{name: row[name] for name in COUNTED})) for row in found]

    def forget(self, older_than_s: float) -> int:
        """Remove answers and deeds that are older; how many answers."""
        too_old = database_now() - older_than_s

        def write(connection: sa.Connection) -> int:
            connection.execute(FEEDBACK.delete().where(FEEDBACK.c.at < too_old))
            return connection.execute(ANSWERS.delete().where(ANSWERS.c.at < too_old)).rowcount

        return self._database.write(write)


def _answer(row: sa.RowMapping) -> Answer:
    values: dict[str, Any] = {name: row[name] for name in ("id", "tenant", "model", "version")}
    return Answer(**values, items={item: (group, score) for item, (group, score) in row["items"].items()})
