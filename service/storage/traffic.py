"""How a model's requests are divided: a share for another version, and shadow versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

import sqlalchemy as sa
from pydantic import Field, model_validator

from ihas.config.base import Config, invalid
from ihas_service.errors import PreconditionError
from ihas_service.storage import job_rows, trial_rows
from ihas_service.storage.aliases import ANY
from ihas_service.storage.bucket_shares import BUCKETS, Shares, allocate, buckets_of
from ihas_service.storage.database import Database
from ihas_service.storage.tables import TRAFFIC
from ihas_service.storage.version_numbers import check_there

MAX_CANARIES = 8
MAX_SHADOWS = 4
MAX_GROUPS = 100
MAX_POOL = 100
"""Items whose order is drawn: those of an answer that are kept."""
Groups = Annotated[tuple[Annotated[int, Field(ge=0, lt=10_000)], ...], Field(max_length=MAX_GROUPS)]
VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]

Percent = Annotated[float, Field(ge=0.0, le=100.0, allow_inf_nan=False)]


class Canary(Config):
    """A version that answers some of the requests."""

    version: VersionNumber
    """The version."""
    percent: Percent
    """Share of the requests, of their sticky keys where they have some, in hundredths."""
    groups: Groups = ()
    """Groups of the champion whose requests it may answer; without any, all. A request's group is its context's, or its first row's."""


class Interleave(Config):
    """A version whose recommendations are interleaved with the champion's (team draft, Radlinski et al. 2008)."""

    version: VersionNumber
    """The version."""
    percent: Percent
    """Share of the requests for recommendations that get both in one list, in hundredths."""


class Experiment(Config):
    """When the comparison of canaries ends by itself."""

    alpha: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
    """Chance that any of the intervals misses the true difference at any look; all canaries together."""
    minimum_effect: Annotated[float, Field(ge=1e-6, le=100.0)] = 0.01
    """Difference in clicks per answer that matters. A canary whose interval lies within it on both sides is stopped as no different."""
    promote: bool = False
    """Whether a canary that is better is promoted. One that is worse, or no different, is stopped in any case."""


class Exploration(Config):
    """A share of the recommendations whose order is drawn, so that what another ranking would have earned can be estimated."""

    percent: Percent
    """Share of the requests for recommendations that are answered in random order, in hundredths."""
    pool: Annotated[int, Field(ge=2, le=MAX_POOL)] = 20
    """First items of the ranking that are drawn from, each equally likely at every rank; never fewer than are asked for."""


class TrafficPlan(Config):
    """Which version answers which request."""

    canary: Canary | None = None
    """The only canary, or the first of several; short for `canaries`."""
    canaries: Annotated[tuple[Canary, ...], Field(max_length=MAX_CANARIES)] = ()
    """Versions that answer some of the requests each; the champion answers the others."""
    sticky_field: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Context field whose value keeps a person on one side; the header `Sticky-Key` wins over it. Chance divides requests with neither."""
    shadows: Annotated[tuple[VersionNumber, ...], Field(max_length=MAX_SHADOWS)] = ()
    """Versions that answer too, unheard; how far their scores lie from those that were given is counted."""
    shadow_groups: Groups = ()
    """Groups of the champion whose requests shadows answer; without any, all."""
    experiment: Experiment | None = None
    """Rules by which canaries are stopped or promoted; without them a person decides."""
    interleave: Interleave | None = None
    """A version whose recommendations are interleaved with the champion's."""
    explore: Exploration | None = None
    """A share of the recommendations whose order is drawn; without it none is."""

    @model_validator(mode="before")
    @classmethod
    def _one_canary_is_some(cls, values: Any) -> Any:
        """`canary` and `canaries` say the same."""
        if not isinstance(values, dict):
            return values
        first, several = values.get("canary"), values.get("canaries")
        if first is not None and not several:
            return {**values, "canaries": [first]}
        if first is None and isinstance(several, list | tuple) and several:
            return {**values, "canary": several[0]}
        return values

    @model_validator(mode="after")
    def _shares_are_possible(self) -> Self:
        if self.canaries and self.canary != self.canaries[0]:
            raise invalid("`canary` must be left out, or be the first of `canaries`, but it is another one. State `canaries` alone.")
        others = [*(one.version for one in self.canaries), *(() if self.interleave is None else (self.interleave.version,))]
        if len(set(others)) < len(others):
            raise invalid(f"Canaries, and the version that is interleaved, must be different versions, but got {others}.")
        total = sum(map(buckets_of, self.shares.values()))
        if total > BUCKETS:
            raise invalid(f"Shares must add up to at most 100 percent, but got {total / BUCKETS:.2%}. Lower one of them.")
        if self.experiment is not None and (not self.canaries or any(one.groups for one in self.canaries)):
            law = (
                "An experiment compares canaries with the champion on the same requests, so there must be canaries, and none with `groups`"
            )
            raise invalid(f"{law}. Leave `groups` or `experiment` out.")
        return self

    @property
    def shares(self) -> Mapping[int, float]:
        """Percentage of each version; the number of the one that is interleaved is negative."""
        found = {one.version: one.percent for one in self.canaries}
        return found if self.interleave is None else {**found, -self.interleave.version: self.interleave.percent}

    @property
    def explores(self) -> bool:
        """Whether any order is drawn."""
        return self.explore is not None and self.explore.percent > 0.0

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version that it names."""
        return (*map(abs, self.shares), *self.shadows)


NO_PLAN = TrafficPlan()


@dataclass(frozen=True, slots=True)
class Traffic:
    """A model's plan.

    Attributes:
        revision: 0 where nobody made one yet; grows with every change.
        actor: who made it.
        at: when, in seconds since 1970.
        trial: revision with which the count of what its versions earn began; 0 where nothing is compared.
        buckets: of sticky keys that each version has; those of its shares alone where nobody made a plan before.
    """

    tenant: str
    model: str
    revision: int
    plan: TrafficPlan
    actor: str
    at: float
    trial: int = 0
    buckets: Shares = field(default_factory=dict)


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
            found = locked(connection, traffic.tenant, traffic.model)
            if expected not in (ANY, found.revision):
                told = f"has revision {found.revision}, but the change expects {expected}"
                raise PreconditionError(f"The traffic of model {traffic.model!r} {told}. Read it again.")
            trial = found.revision + 1 if traffic.plan.shares else 0
            return replaced(connection, found, replace(traffic, trial=trial))

        return self._database.write(write)


def locked(connection: sa.Connection, tenant: str, model: str) -> Traffic:
    """A model's plan, which no other transaction changes before this one ends; the empty one where nobody made one."""
    query = sa.select(TRAFFIC).where(_same(tenant, model)).with_for_update()
    row = connection.execute(query).mappings().first()
    return Traffic(tenant, model, 0, NO_PLAN, "", 0.0) if row is None else _traffic(row)


def replaced(connection: sa.Connection, before: Traffic, traffic: Traffic) -> Traffic:
    """Put a plan in the place of the one before, with its trial and its actor; revision, time and buckets are set here."""
    at = job_rows.now(connection)
    buckets = allocate(before.buckets, {version: buckets_of(percent) for version, percent in traffic.plan.shares.items()})
    made = replace(traffic, revision=before.revision + 1, at=at, buckets=buckets)
    plan, kept = made.plan.model_dump(mode="json"), {str(version): ranges for version, ranges in buckets.items()}
    values = {"revision": made.revision, "plan": plan, "actor": made.actor, "at": at, "trial": made.trial, "buckets": kept}
    if before.revision:
        connection.execute(TRAFFIC.update().where(_same(made.tenant, made.model)).values(**values))
    else:
        connection.execute(TRAFFIC.insert().values(tenant=made.tenant, model=made.model, **values))
    trial_rows.changed(connection, (made.tenant, made.model, made.trial), plan, at)
    return made


def _same(tenant: str, model: str) -> sa.ColumnElement[bool]:
    return (TRAFFIC.c.tenant == tenant) & (TRAFFIC.c.model == model)


def _traffic(row: sa.RowMapping) -> Traffic:
    plan = TrafficPlan.model_validate(row["plan"])
    kept = {int(version): tuple((first, end) for first, end in ranges) for version, ranges in (row["buckets"] or {}).items()}
    buckets = allocate(kept, {version: buckets_of(percent) for version, percent in plan.shares.items()})  # a plan of before has none
    return Traffic(**{**row, "plan": plan, "buckets": buckets})
