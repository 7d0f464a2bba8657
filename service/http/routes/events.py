"""Impressions and clicks of recommendations, and online metrics of versions and groups."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from service.auth.scopes import Scope
from service.errors import UnknownIdError
from service.http.bodies import JsonRoute
from service.http.dependencies import CallerDep, PartsDep, json_only
from service.http.policy import MIB, Repeat, policy, reading
from service.http.schemas.events import EventsAccepted, EventsReport, Online, RejectedEvent, online
from service.http.schemas.trials import TrialOnline
from service.models.experiments.trial import TrialRules
from service.storage.feedback import KEPT_ITEMS, Answer, Deed

router = APIRouter(prefix="/v1", tags=["events"], route_class=JsonRoute)
WithinDep = Annotated[float, Query(gt=0.0, le=31_536_000.0, description="Seconds back from now.")]
WEEK_S = 7 * 86_400.0


@router.post(
    "/events", status_code=202, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.SCORE, max_body=MIB, repeat=Repeat.ALWAYS)
)
def report_events(body: EventsReport, parts: PartsDep, caller: CallerDep) -> EventsAccepted:
    """Report impressions and clicks of the first hundred items of recommendations; a repeated event counts once."""
    parts.response_log.flush()
    known = parts.feedback.known(caller.tenant, (event.recommendation_id for event in body.events))
    accepted: list[tuple[Deed, Answer]] = []
    rejected: list[RejectedEvent] = []
    for index, event in enumerate(body.events):
        answer = known.get(event.recommendation_id)
        if answer is None:
            rejected.append(
                RejectedEvent(index=index, detail=f"There is no recommendation {event.recommendation_id!r}, or it has expired.")
            )
        elif event.item_id not in answer.items:
            rejected.append(RejectedEvent(index=index, detail=_not_kept(answer, event.item_id)))
        else:
            accepted.append((Deed(event.recommendation_id, event.item_id, event.kind), answer))
    parts.feedback.add(accepted)
    return EventsAccepted(accepted=len(accepted), rejected=tuple(rejected))


def _not_kept(answer: Answer, item_id: str) -> str:
    if len(answer.items) < KEPT_ITEMS:
        return f"The recommendation did not contain item {item_id!r}."
    return f"Of a recommendation the first {KEPT_ITEMS} items are kept, and {item_id!r} is none of them."


@router.get("/models/{name}/online", openapi_extra=reading())
def read_online(name: str, parts: PartsDep, caller: CallerDep, within_s: WithinDep = WEEK_S) -> Online:
    """Online metrics of each version and group: click-through, calibration, shares; drift; differences of shadows; and what canaries
    earn against the champion, with intervals that may be looked at as often as one likes."""
    if not parts.store.versions(name, caller.tenant):
        raise UnknownIdError(f"There is no model {name!r}.")
    parts.response_log.flush()
    split = parts.registry.split(name, caller.tenant)
    shadows = {
        version: figures
        for (tenant, model, version), figures in parts.response_log.shadows.items()
        if (tenant, model) == (caller.tenant, name)
    }
    version = None if split is None else split.champion.version.version
    routing = None if version is None else parts.response_log.routing.get((caller.tenant, name, version))
    found = online(name, within_s, parts.feedback.counts(caller.tenant, name, within_s), split, shadows, routing)
    trial = TrialRules(parts.store).look(caller.tenant, name)
    return found.model_copy(update={"trial": None if trial is None else TrialOnline.of(*trial)})
