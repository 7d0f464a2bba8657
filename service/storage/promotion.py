"""Promotion: what a model's settings say of new versions, and what becomes of one as it is registered.

A version that is registered by a search is live, or a candidate, which serves only once it is promoted. That is decided in the transaction
that registers it, so that whoever is killed leaves either of the two and nothing in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ihas_service.errors import PreconditionError
from ihas_service.storage import job_rows
from ihas_service.storage.aliases import ANY, CHAMPION, NONE, AliasRef, point
from ihas_service.storage.database import Database
from ihas_service.storage.plain_text import plain
from ihas_service.storage.promotion_settings import PromotionSettings, Release
from ihas_service.storage.tables import ALIASES, MODELS, PROMOTIONS

SERVICE = "service"
"""Actor of changes that no caller made."""
FIRST_REASON = "The first version, by auto_promote."


@dataclass(frozen=True, slots=True)
class Promotion:
    """Settings of one model.

    Attributes:
        revision: 0 where nobody made any yet; grows with every change.
        actor: who made them.
        at: when, in seconds since 1970.
    """

    tenant: str
    model: str
    revision: int
    settings: PromotionSettings
    actor: str
    at: float


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a version.

    Attributes:
        candidate: whether it serves only once it is promoted.
        gates: verdict of the gates, as JSON; None where there is none.
        promote: reason of a promotion, for the history; None where it is not promoted.
        words: the rest of the sentence that begins with `Registered as version 2 of films`.
    """

    candidate: bool = False
    gates: Mapping[str, Any] | None = None
    promote: str | None = None
    words: str = "."


LIVE = Fate()


class Promotions:
    """The table of settings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, tenant: str, model: str) -> Promotion:
        """A model's settings; those by default where nobody made any."""
        return _found(tenant, model, self._database.read(sa.select(PROMOTIONS).where(_same(PROMOTIONS, tenant, model))))

    def put(self, promotion: Promotion, expected: int = ANY) -> Promotion:
        """Make settings those of their model; `revision` and `at` are set here.

        Raises:
            PreconditionError: the revision of the settings in force is not the expected one.
        """

        def write(connection: sa.Connection) -> Promotion:
            same = _same(PROMOTIONS, promotion.tenant, promotion.model)
            found = connection.execute(sa.select(PROMOTIONS.c.revision).where(same).with_for_update()).scalar_one_or_none()
            if expected not in (ANY, found or 0):
                told = f"have revision {found or 0}, but the change expects {expected}"
                raise PreconditionError(f"The promotion settings of model {promotion.model!r} {told}. Read them again.")
            at, settings = job_rows.now(connection), promotion.settings.model_dump(mode="json")
            values = {"revision": (found or 0) + 1, "settings": settings, "actor": promotion.actor, "at": at}
            if found is None:
                connection.execute(PROMOTIONS.insert().values(tenant=promotion.tenant, model=promotion.model, **values))
            else:
                connection.execute(PROMOTIONS.update().where(same).values(**values))
            return Promotion(promotion.tenant, promotion.model, (found or 0) + 1, promotion.settings, promotion.actor, at)

        return self._database.write(write)


def settings_of(connection: sa.Connection, tenant: str, model: str) -> Promotion:
    """A model's settings; those by default where nobody made any."""
    return _found(tenant, model, connection.execute(sa.select(PROMOTIONS).where(_same(PROMOTIONS, tenant, model))).mappings().all())


def serving(connection: sa.Connection, tenant: str, model: str) -> int | None:
    """The champion, or the newest version that is no candidate where nobody promoted one; None where none is to serve."""
    champion = connection.execute(sa.select(ALIASES.c.version).where(_same(ALIASES, tenant, model) & (ALIASES.c.alias == CHAMPION)))
    named = champion.scalar_one_or_none()
    if named is not None:
        return None if named == NONE else int(named)
    live = (MODELS.c.tenant == tenant) & (MODELS.c.name == model) & MODELS.c.candidate.is_(sa.false())
    newest = connection.execute(sa.select(sa.func.max(MODELS.c.version)).where(live)).scalar()
    return None if newest is None else int(newest)


def fate_of(connection: sa.Connection, tenant: str, name: str, release: Release | None) -> Fate:
    """What becomes of the next version of a name, whose number was given in this transaction; without a release it is live as the newest,
    as long as no other one was promoted."""
    if release is None:
        return LIVE
    verdict = release.verdict
    gates = None if verdict is None else plain(verdict.model_dump(mode="json"))
    if release.auto_promote == "first" and _is_first(connection, tenant, name):
        return Fate(gates=gates)
    why = _why_not(serving(connection, tenant, name), release)
    if why is None and verdict is not None:
        reason = "Gates met: " + " ".join(gate.detail for gate in verdict.gates)
        return Fate(gates=gates, promote=reason, words=", which serves: it meets the gates.")
    return Fate(candidate=True, gates=gates, words=f"; it serves once it is promoted.{why}")


def promote(connection: sa.Connection, tenant: str, name: str, version: int, reason: str) -> None:
    """Make a version that was just registered the champion."""
    point(connection, AliasRef(tenant, name, CHAMPION, SERVICE, reason[:1_000]), version, ANY)


def _why_not(champion: int | None, release: Release) -> str | None:
    """Why a version that might be promoted is not, as the next sentence of what is said; None where it is promoted."""
    if release.auto_promote != "passing":
        return ""
    verdict = release.verdict
    if verdict is None:
        return f" Its gates could not be evaluated: {release.detail}"
    if verdict.champion != champion:
        now = "none serves" if champion is None else f"version {champion} serves"
        before = "no version" if verdict.champion is None else f"version {verdict.champion}"
        return f" Its gates compared it with {before}, but {now} now."
    if verdict.passed:
        return None
    return " It fails its gates: " + " ".join(gate.detail for gate in verdict.gates if not gate.passed)


def _is_first(connection: sa.Connection, tenant: str, name: str) -> bool:
    """Whether nothing was live or promoted under a name yet."""
    aliased = connection.execute(sa.select(ALIASES.c.version).where(_same(ALIASES, tenant, name) & (ALIASES.c.alias == CHAMPION))).first()
    return aliased is None and serving(connection, tenant, name) is None


def _same(table: sa.Table, tenant: str, model: str) -> sa.ColumnElement[bool]:
    return (table.c.tenant == tenant) & (table.c.model == model)


def _found(tenant: str, model: str, rows: Sequence[sa.RowMapping]) -> Promotion:
    for row in rows:
        return Promotion(**{**row, "settings": PromotionSettings.model_validate(row["settings"])})
    return Promotion(tenant, model, 0, PromotionSettings(), "", 0.0)
