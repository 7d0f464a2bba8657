"""Events, and online metrics of versions and groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ihas.serving.capabilities import RowModel
from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope
from ihas_service.datasets.event_intake import Intake
from ihas_service.errors import UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, PartsDep, json_only, versions_of
from ihas_service.http.policy import MANY_VALUES, MIB, Repeat, policy, reading
from ihas_service.http.schemas.events import EventsAccepted, EventsReport, Online, RejectedEvent, online
from ihas_service.http.schemas.trials import TrialOnline
from ihas_service.models.drift import RoutingMetrics
from ihas_service.models.experiments.trial import TrialRules

router = APIRouter(prefix="/v1", tags=["events"], route_class=JsonRoute)
WithinDep = Annotated[float, Query(gt=0.0, le=31_536_000.0, description="Seconds back from now.")]
WEEK_S = 7 * 86_400.0


@router.post(
    "/events",
    status_code=202,
    dependencies=[Depends(json_only)],
    openapi_extra=policy(Scope.SCORE, max_body=MIB, repeat=Repeat.ALWAYS, max_values=MANY_VALUES),
)
def report_events(body: EventsReport, parts: PartsDep, caller: CallerDep) -> EventsAccepted:
    """Report what people did with the first hundred items of recommendations, or with items that they found elsewhere; a repeated event
    counts once."""
    parts.response_log.flush()
    answers = parts.feedback.known(caller.tenant, (event.recommendation_id for event in body.events if event.recommendation_id is not None))
    intake = Intake(caller.tenant, parts.feedback.now(), parts.settings.feedback_kept_s, answers, _models(parts, caller))
    found = intake.sort(body.events)
    parts.feedback.add(found.deeds)
    parts.direct_events.add(found.direct)
    rejected = tuple(RejectedEvent(index=index, detail=reason) for index, reason in found.rejected)
    return EventsAccepted(accepted=len(found.deeds) + len(found.direct), rejected=rejected)


def _models(parts: AppState, caller: Caller) -> Callable[[str], RowModel | None]:
    """Rows of the tenant's models by name; each is looked up once."""

    @cache
    def model(name: str) -> RowModel | None:
        try:
            return parts.registry.get(name, None, caller.tenant).recommender.rows
        except UnknownIdError:
            return None

    return model


@router.get("/models/{name}/online", openapi_extra=reading())
def read_online(name: str, parts: PartsDep, caller: CallerDep, within_s: WithinDep = WEEK_S) -> Online:
    """Online metrics of each version and group: click-through, calibration, shares; drift; differences of shadows; and what canaries
    earn against the champion, with intervals that may be looked at as often as one likes."""
    versions_of(parts.store, name, caller.tenant)
    parts.response_log.flush()
    split = parts.registry.split(name, caller.tenant)
    shadows, routing = parts.replicas.shadows(caller.tenant, name), None
    if split is not None:
        champion, observer = split.champion.version, split.champion.recommender.routing
        nothing = None if observer is None else RoutingMetrics.of(observer)
        routing = parts.replicas.routing(caller.tenant, name, champion.version, nothing)
    found = online(name, within_s, parts.feedback.counts(caller.tenant, name, within_s), split, shadows, routing)
    trial = TrialRules(parts.store).look(caller.tenant, name)
    return found.model_copy(update={"trial": None if trial is None else TrialOnline.of(*trial)})
