"""Trials: what a plan of traffic compares, from when to when, and what was decided by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.tables import TRIALS

Place = tuple[str, str, int]
"""Tenant, model, trial."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One comparison.

    Attributes:
        trial: revision of the plan with which it began.
        plan: that plan, JSON.
        began: seconds since 1970.
        ended: when its plan was replaced; None while it runs.
        decisions: what was decided, oldest first, JSON: `version`, `decision`, `detail`, `at`.
    """

    tenant: str
    model: str
    trial: int
    plan: Mapping[str, Any]
    began: float
    ended: float | None = None
    decisions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class Trials:
    """The table of trials."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def running(self) -> Sequence[Trial]:
        """Those of all tenants that have not ended."""
        return [Trial(**row) for row in self._database.read(sa.select(TRIALS).where(TRIALS.c.ended.is_(None)))]

    def latest(self, tenant: str, model: str) -> Trial | None:
        """A model's latest trial."""
        query = sa.select(TRIALS).where(TRIALS.c.tenant == tenant, TRIALS.c.model == model).order_by(TRIALS.c.trial.desc()).limit(1)
        return next((Trial(**row) for row in self._database.read(query)), None)


def changed(connection: sa.Connection, place: Place, plan: Mapping[str, Any], at: float) -> None:
    """A plan took the place of another one: other trials of its model end, and its own begins if it has one, and has not begun yet."""
    tenant, model, trial = place
    own = (TRIALS.c.tenant == tenant) & (TRIALS.c.model == model)
    connection.execute(TRIALS.update().where(own & TRIALS.c.ended.is_(None) & (TRIALS.c.trial != trial)).values(ended=at))
    if trial and connection.execute(sa.select(TRIALS.c.trial).where(own & (TRIALS.c.trial == trial))).first() is None:
        connection.execute(TRIALS.insert().values(tenant=tenant, model=model, trial=trial, plan=plan, began=at, decisions=[]))


def decided(connection: sa.Connection, place: Place, decisions: Sequence[Mapping[str, Any]]) -> None:
    """Note what was decided."""
    tenant, model, trial = place
    same = (TRIALS.c.tenant == tenant) & (TRIALS.c.model == model) & (TRIALS.c.trial == trial)
    before = connection.execute(sa.select(TRIALS.c.decisions).where(same).with_for_update()).scalar_one()
    connection.execute(TRIALS.update().where(same).values(decisions=[*before, *decisions]))
