"""What-if: answers of the models of all groups for one row."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from ihas.config.base import Config
from ihas.serving.protocol import Recommender
from ihas_service.errors import ConflictError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import PartsDep, VersionDep, json_only
from ihas_service.http.policy import MIB, asking
from ihas_service.http.routes.choosing import chosen

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)


class WhatIf(Config):
    """A row, and changes to it."""

    row: dict[str, Any]
    """Value of each context and item field; an omitted field is missing."""
    changes: dict[str, Any] = Field(default={}, max_length=100)
    """Values that override those of the row."""


class GroupAnswer(Config):
    """Answer of one group's model."""

    group: int
    """The group."""
    path: str
    """Name of the group's model."""
    score: float
    """Probability of a click by this model."""
    distance: float | None
    """Euclidean distance of the row's masked embedding to the group's centroid; absent where sums say the group."""
    group_score: float | None
    """Sum of the row for the group, in log-odds, of which the largest says the group; absent where the nearest centroid does."""


class WhatIfAnswer(Config):
    """What-if: answers of the models of all groups for one row."""

    model: str
    """The model."""
    version: int
    """The version that answered."""
    group: int
    """Group of the row."""
    changed_from: int | None
    """Group of the row without the changes, if it differs."""
    groups: tuple[GroupAnswer, ...]
    """By number."""


@router.post(
    "/{name}/what-if",
    dependencies=[Depends(json_only)],
    openapi_extra=asking(MIB),
)
async def what_if(name: str, body: WhatIf, request: Request, parts: PartsDep, version: VersionDep = None) -> WhatIfAnswer:
    """Score a row by the model of every group; with changes, also report whether they move the row to another group."""
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
    return group, tuple(
        GroupAnswer(group=one.group, path=one.model, score=one.score, distance=one.distance, group_score=one.group_score) for one in answers
    )
