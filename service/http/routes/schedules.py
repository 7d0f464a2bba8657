"""Schedules: when models are refreshed by themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ihas.errors import RequestError
from ihas_service.auth.scopes import Scope
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, IfMatchDep, LimitDep, PartsDep, etag, expected_revision, json_only
from ihas_service.http.policy import policy, reading
from ihas_service.http.routes.searches import check_window
from ihas_service.http.schemas.schedules import SchedulePublic, SchedulesPublic
from ihas_service.http.schemas.searches import DeletedPublic
from ihas_service.schedules.scheduler import scheduled_job
from ihas_service.storage.aliases import ANY
from ihas_service.storage.catalogue import Catalogue
from ihas_service.storage.schedule_settings import ScheduledRefresh, ScheduleSettings
from ihas_service.storage.schedules import Schedule

router = APIRouter(prefix="/v1", tags=["models"], route_class=JsonRoute)
AfterDep = Annotated[str, Query(max_length=200, description="Where the page begins; `next_cursor` of the page before.")]


@router.get("/schedules", openapi_extra=reading())
def list_schedules(parts: PartsDep, caller: CallerDep, cursor: AfterDep = "", limit: LimitDep = 50) -> SchedulesPublic:
    """All schedules, by name of the model."""
    return SchedulesPublic.of(parts.schedules.of_tenant(caller.tenant, cursor.replace("\0", ""), limit), limit)


@router.get("/models/{name}/schedule", openapi_extra=reading())
def read_schedule(name: str, response: Response, parts: PartsDep, caller: CallerDep) -> SchedulePublic:
    """When the model is refreshed by itself; the last run, missed and skipped ones. A change sends its `ETag` as `If-Match`."""
    return _shown(parts.schedules.get(caller.tenant, name), response)


@router.put("/models/{name}/schedule", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.SEARCH))
def put_schedule(
    name: str, body: ScheduleSettings, response: Response, parts: PartsDep, caller: CallerDep, if_match: IfMatchDep = None
) -> SchedulePublic:
    """Refresh the model by itself, at times (`cron`, `zone`) or when a figure asks for it (`triggers`); with `append_events`, on what was
    shown since. Refused where the refresh could not be started now. Missed and skipped runs are counted anew; a refresh that has begun goes
    on."""
    expected = ANY if if_match is None else expected_revision(if_match)
    schedule = Schedule(caller.tenant, name, 0, body, caller.name, 0.0, 0, 0.0)
    scheduled_job(parts.store, parts.settings.folder, schedule)
    _check_window(parts.store, body.refresh)
    if body.append_events is not None and parts.registry.get(name, None, caller.tenant).recommender.rows is None:
        raise RequestError(f"Model {name!r} does not say what its rows look like. Append rows yourself.", "/append_events")
    return _shown(parts.schedules.put(schedule, expected), response)


@router.delete("/models/{name}/schedule", openapi_extra=policy(Scope.SEARCH))
def delete_schedule(name: str, parts: PartsDep, caller: CallerDep) -> DeletedPublic:
    """Refresh the model no longer by itself; a refresh that has begun goes on."""
    parts.schedules.delete(caller.tenant, name)
    return DeletedPublic(deleted=f"{name}/schedule", bytes=0)


def _shown(schedule: Schedule, response: Response) -> SchedulePublic:
    response.headers["ETag"] = etag(schedule.revision)
    return SchedulePublic.of(schedule)


def _check_window(store: Catalogue, asked: ScheduledRefresh) -> None:
    """Refuse a window whose column is not there.

    Raises:
        RequestError: so it is.
    """
    if asked.window is None:
        return
    try:
        check_window(store.dataset(asked.dataset_id), asked.window)
    except RequestError as error:
        raise RequestError(str(error), f"/refresh{error.pointer}") from None
