"""How a model's requests are divided: a share for another version, and shadow versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from pydantic import Field

from ihas.config.base import Config
from service.errors import PreconditionError
from service.storage import job_rows
from service.storage.aliases import ANY
from service.storage.database import Database
from service.storage.tables import TRAFFIC
from service.storage.version_numbers import check_there

MAX_SHADOWS = 4
MAX_GROUPS = 100
Groups = Annotated[tuple[Annotated[int, Field(ge=0, lt=10_000)], ...], Field(max_length=MAX_GROUPS)]
VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Canary(Config):
    """A version that answers some of the requests."""

    version: VersionNumber
    """The version."""
    percent: Annotated[float, Field(ge=0.0, le=100.0, allow_inf_nan=False)]
    """Share of the requests, of their sticky keys where they have some, in hundredths."""
    groups: Groups = ()
    """Groups of the champion whose requests it may answer; without any, all. A request's group is its context's, or its first row's."""


class TrafficPlan(Config):
    """Which version answers which request."""

    canary: Canary | None = None
    """A version that answers some of the requests; the champion answers the others."""
    sticky_field: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Context field whose value keeps a person on one side; the header `Sticky-Key` wins over it. Chance divides requests with neither."""
    shadows: Annotated[tuple[VersionNumber, ...], Field(max_length=MAX_SHADOWS)] = ()
    """Versions that answer too, unheard; how far their scores lie from those that were given is counted."""
    shadow_groups: Groups = ()
    """Groups of the champion whose requests shadows answer; without any, all."""

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version that it names."""
        return (*(() if self.canary is None else (self.canary.version,)), *self.shadows)


NO_PLAN = TrafficPlan()


@dataclass(frozen=True, slots=True)
class Traffic:
    """A model's plan.

    Attributes:
        revision: 0 where nobody made one yet; grows with every change.
        actor: who made it.
        at: when, in seconds since 1970.
    """

    tenant: str
    model: str
    revision: int
    plan: TrafficPlan
    actor: str
    at: float


class TrafficPlans:
    """The table of plans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, tenant: str, model: str) -> Traffic:
        """A model's plan; the empty one where nobody made one."""
        found = self._database.read(sa.select(TRAFFIC).where(TRAFFIC.c.tenant == tenant, TRAFFIC.c.model == model))
        return _traffic(found[0]) if found else Traffic(tenant, model, 0, NO_PLAN, "", 0.0)

    def everywhere(self) -> Sequence[Traffic]:
        """All plans of all tenants."""
        return [_traffic(row) for row in self._database.read(sa.select(TRAFFIC))]

    def put(self, traffic: Traffic, expected: int) -> Traffic:
        """Make a plan that of its model; its `revision` and `at` are set here.

        Raises:
            PreconditionError: the revision of the plan in force is not the expected one.
            ConflictError: a version that it names was deleted.
        """

        def write(connection: sa.Connection) -> Traffic:
            check_there(connection, traffic.tenant, traffic.model, traffic.plan.versions)
            same = (TRAFFIC.c.tenant == traffic.tenant) & (TRAFFIC.c.model == traffic.model)
            revision = connection.execute(sa.select(TRAFFIC.c.revision).where(same).with_for_update()).scalar_one_or_none()
            if expected not in (ANY, revision or 0):
                found = f"has revision {revision or 0}, but the change expects {expected}"
                raise PreconditionError(f"The traffic of model {traffic.model!r} {found}. Read it again.")
            at = job_rows.now(connection)
            values = {"revision": (revision or 0) + 1, "plan": traffic.plan.model_dump(mode="json"), "actor": traffic.actor, "at": at}
            if revision is None:
                connection.execute(TRAFFIC.insert().values(tenant=traffic.tenant, model=traffic.model, **values))
            else:
                connection.execute(TRAFFIC.update().where(same).values(**values))
            return Traffic(traffic.tenant, traffic.model, (revision or 0) + 1, traffic.plan, traffic.actor, at)

        return self._database.write(write)


def _traffic(row: sa.RowMapping) -> Traffic:
    return Traffic(**{**row, "plan": TrafficPlan.model_validate(row["plan"])})
