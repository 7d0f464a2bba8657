"""The end of a trial, or of a canary in it: plan, champion and what was decided change in one transaction, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from ihas_service.storage import trial_rows
from ihas_service.storage.aliases import ANY, CHAMPION, AliasRef, point
from ihas_service.storage.database import Database
from ihas_service.storage.job_rows import now
from ihas_service.storage.promotion import SERVICE, serving
from ihas_service.storage.traffic import Traffic, TrafficPlan, locked, replaced
from ihas_service.storage.version_numbers import hold_together

MAX_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of one canary.

    Attributes:
        version: the canary.
        decision: `promoted`, or `stopped`.
        detail: why, with the figures.
    """

    version: int
    decision: str
    detail: str


def conclude(database: Database, seen: Traffic, champion: int, decisions: Sequence[Decision]) -> bool:
    """Carry out decisions on canaries, if plan and champion are still what they were decided on.

    A canary that is stopped leaves the plan, and the champion answers its share; the others are compared on. One that is promoted becomes
    the champion, and all canaries leave the plan.

    Args:
        seen: the plan.
        champion: the version that they were compared with.
        decisions: at most one for each canary, and at most one promotion.

    Returns:
        Whether they were carried out, by this call.
    """

    def write(connection: sa.Connection) -> bool:
        hold_together(connection, seen.tenant, seen.model)
        found = locked(connection, seen.tenant, seen.model)
        if found.revision != seen.revision or serving(connection, seen.tenant, seen.model) != champion:
            return False
        at = now(connection)
        noted = [{"version": one.version, "decision": one.decision, "detail": one.detail, "at": at} for one in decisions]
        trial_rows.decided(connection, (seen.tenant, seen.model, found.trial), noted)
        plan = _without(found.plan, decisions)
        replaced(connection, found, replace(found, plan=plan, actor=SERVICE, trial=found.trial if plan.shares else 0))
        for one in decisions:
            if one.decision == "promoted":
                reason = f"Trial {found.trial}: {one.detail}"[:MAX_REASON]
                point(connection, AliasRef(seen.tenant, seen.model, CHAMPION, SERVICE, reason), one.version, ANY)
        return True

    return database.write(write)


def _without(plan: TrafficPlan, decisions: Sequence[Decision]) -> TrafficPlan:
    """The plan without the canaries that were decided on."""
    gone = {one.version for one in decisions}
    promoted = any(one.decision == "promoted" for one in decisions)
    canaries = () if promoted else tuple(one for one in plan.canaries if one.version not in gone)
    kept = plan.model_dump(exclude={"canary", "canaries", "experiment"})
    return TrafficPlan.model_validate({**kept, "canaries": canaries, "experiment": plan.experiment if canaries else None})
