"""What every group would answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from ihas.config.base import Config
from ihas.serving.protocol import Recommender
from service.errors import ConflictError
from service.http.bodies import JsonRoute
from service.http.dependencies import PartsDep, VersionDep, json_only
from service.http.policy import MIB, asking
from service.http.routes.choosing import chosen

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)


class WhatIf(Config):
    """A row to be asked about."""

    row: dict[str, Any]
    """Value of each field, context and item alike; a field left out is missing."""
    changes: dict[str, Any] = Field(default={}, max_length=100)
    """Values that win over the row's, to see what they would change."""


class GroupAnswer(Config):
    """What one group would answer."""

    group: int
    """The group."""
    path: str
    """Name of the model that scores its rows."""
    score: float
    """Probability of a click on its path."""
    distance: float
    """Euclidean distance of the row's masked embedding to its centroid."""


class WhatIfAnswer(Config):
    """What every group would answer."""

    model: str
    """The model."""
    version: int
    """The version that was asked."""
    group: int
    """Group that the row falls into."""
    changed_from: int | None
    """Group of the row without the changes, where that is another one."""
    groups: tuple[GroupAnswer, ...]
    """By number."""


@router.post(
    "/{name}/what-if",
    dependencies=[Depends(json_only)],
    openapi_extra=asking(MIB),
)
async def what_if(name: str, body: WhatIf, request: Request, parts: PartsDep, version: VersionDep = None) -> WhatIfAnswer:
    """Score a row on every group's path, whatever group it falls into; with changes, also say whether they move it to another group."""
    row = {**body.row, **body.changes}
    served = await chosen(request.scope, parts, name, version, row)
    group, answers, before = await parts.threads.run(request.scope, with_and_without, served.recommender, row, body)
    return WhatIfAnswer(
        model=name, version=served.version.version, group=group, changed_from=None if before == group else before, groups=answers
    )


def with_and_without(recommender: Recommender, row: dict[str, Any], body: WhatIf) -> tuple[int, tuple[GroupAnswer, ...], int]:
    """Group of a row and what each group would answer, and the row's group without the changes."""
    group, answers = every_group(recommender, row)
    return group, answers, every_group(recommender, body.row)[0] if body.changes else group


def every_group(recommender: Recommender, row: dict[str, Any]) -> tuple[int, tuple[GroupAnswer, ...]]:
    """Group of a row, and what each group would answer.

    Raises:
        RequestError: an unknown field, or a cell of a wrong type.
        ConflictError: the model has no groups.
    """
    groups = recommender.groups
    if groups is None:
        raise ConflictError(f"Model {recommender.name!r} has no groups that could be asked. Ask a model of a search with groups.")
    group, answers = groups.ask_every_group(row)
    return group, tuple(GroupAnswer(group=one.group, path=one.model, score=one.score, distance=one.distance) for one in answers)
