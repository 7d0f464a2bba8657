"""Off-policy estimates: what a version would have earned on the answers that were given."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, PartsDep, versions_of
from ihas_service.http.policy import Shedding, reading
from ihas_service.http.schemas.off_policy import OffPolicy, OffPolicyQuery
from ihas_service.models.experiments.replay import replay
from ihas_service.storage.drawn_answers import DrawnAnswers
from ihas_service.storage.positive import Positive
from ihas_service.storage.shown_rows import RowsAsked

router = APIRouter(prefix="/v1/models/{name}", tags=["events"], route_class=JsonRoute)


@router.get("/online/off-policy", openapi_extra=reading(Scope.READ, Shedding.NEVER))
def read_off_policy(name: str, asked: Annotated[OffPolicyQuery, Query()], parts: PartsDep, caller: CallerDep) -> OffPolicy:
    """What a version would have earned: IPS, SNIPS and doubly robust estimates from the answers whose order was left to chance
    (`explore` of the traffic). It ranks the pool of each answer anew, beside the requests; refused with 429 while others do."""
    versions_of(parts.store, name, caller.tenant)
    positive = Positive.read(asked.positive)
    with parts.exports.place(caller.tenant):
        served = parts.registry.get(name, asked.version, caller.tenant)
        parts.response_log.flush()
        answers = DrawnAnswers(parts.store)
        now = answers.now()
        rows = RowsAsked(caller.tenant, name, now - asked.within_s, now, now, asked.window_s, positive, asked.open)
        found = replay(served.recommender, answers.newest(rows, asked.answers), asked.confidence)
    if found is None:
        raise ConflictError(_nothing(name, rows))
    return OffPolicy.of(name, served.version.version, asked.within_s, found)


def _nothing(name: str, rows: RowsAsked) -> str:
    law = (
        f"An estimate needs answers whose order was left to chance and whose window has ended, but model {name!r} has none that it can read"
    )
    return f"{law} of the last {rows.until - rows.since:,.0f} s. Set `explore` of its traffic, or ask for `open` answers or a longer time."
