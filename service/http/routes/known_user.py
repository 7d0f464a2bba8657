"""What the service knows of the user of a request beside the bundle: fields that were put, and clicks since."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.concurrency import run_in_threadpool

from ihas.serving.answers import RecommendRequest
from ihas.serving.requests import MAX_ROWS
from ihas_service.http.dependencies import AppState
from ihas_service.models.traffic_split import Served
from ihas_service.storage.contexts import user_of
from ihas_service.storage.put_fields import Fields


async def with_known(
    parts: AppState, served: Served, users: Mapping[str, Fields] | None, asked: RecommendRequest
) -> tuple[RecommendRequest, tuple[str, ...], int]:
    """The request with what is known of its user; names of fields that it left out and that were put; items that its user has clicked.

    What the request states counts, then what was put, then what the bundle knows. Fields that the version does not have are left out.
    """
    rows = served.recommender.rows
    user = None if rows is None else user_of(rows.schema.user_id, asked.context)
    if rows is None or user is None:
        return asked, (), 0
    put = None if users is None else users.get(user)
    if put:
        context = {field.name for field in rows.schema.stated_fields if field.role == "context"}
        put = {name: value for name, value in put.items() if name in context and name not in asked.context}
        asked = msgspec.structs.replace(asked, context={**put, **asked.context}) if put else asked
    if not asked.exclude_seen:
        return asked, tuple(put or ()), 0
    version, room = served.version, MAX_ROWS - len(asked.exclude)
    seen = await run_in_threadpool(parts.seen_items.of, version.tenant, version.name, user, max(room, 0))
    return msgspec.structs.replace(asked, exclude=(*asked.exclude, *seen)), tuple(put or ()), len(seen)
