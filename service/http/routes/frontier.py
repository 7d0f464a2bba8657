"""Points of the frontier of the search behind a version, and another one of them as the model's next version, without training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Response
from pydantic import Field, TypeAdapter, ValidationError

from ihas.bundle.copies import copy_bundle
from ihas.config.base import Config
from ihas.errors import RequestError
from ihas.results.frontier import NO_FRONTIER, find_point, unknown_point
from ihas.results.run_result import FrontierPoint
from ihas_pipelines.runs.points import point_bundle
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, PartsDep, RegistryDep, VersionDep, json_only
from ihas_service.http.policy import Repeat, policy, reading
from ihas_service.http.routes.derived import answered, numbered_version, registered_version
from ihas_service.http.schemas.searches import ModelVersionPublic
from ihas_service.jobs.runs import FRONTIER_OF, origin, search_folder
from ihas_service.models.tenant_models import TenantModels
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.traffic import VersionNumber

router = APIRouter(prefix="/v1/models/{name}", tags=["models"], route_class=JsonRoute)
POINTS = TypeAdapter(tuple[FrontierPoint, ...])


class PointPublic(FrontierPoint):
    """A point of the frontier."""

    version: int | None
    """Version of this model that serves the point; absent where none does yet."""


class FrontierPublic(Config):
    """Pareto frontier of the search behind a version."""

    name: str
    """Name of the model."""
    version: int
    """The version."""
    search_id: str
    """Search that found the frontier."""
    kept: bool
    """Whether the search is still there; without it no other point can be chosen."""
    chosen: str
    """Point that this version serves."""
    points: tuple[PointPublic, ...]
    """Cheapest first."""

    @classmethod
    def of(cls, base: ModelVersion, chosen: str, points: Sequence[FrontierPoint], versions: Sequence[ModelVersion], kept: bool) -> Self:
        """The wire form of the points of a version."""
        shown = tuple(PointPublic(**point.model_dump(), version=_number(serving_point(versions, base, point.name))) for point in points)
        return cls(name=base.name, version=base.version, search_id=origin(base), kept=kept, chosen=chosen, points=shown)


class PointChosen(Config):
    """A point to serve."""

    point: Annotated[str, Field(min_length=1, max_length=64)]
    """Name of a point of the frontier, such as `members x2`; `GET /v1/models/{name}/frontier` lists them."""
    version: VersionNumber | None = None
    """Version whose search's frontier is meant. The newest by default."""


@router.get("/frontier", openapi_extra=reading())
def read_frontier(name: str, parts: PartsDep, caller: CallerDep, models: RegistryDep, version: VersionDep = None) -> FrontierPublic:
    """Pareto frontier of the search behind a version: candidates that no other beats, with quality, costs and measured latencies."""
    versions = parts.store.versions(name, caller.tenant)
    base = numbered_version(versions, name, version)
    chosen, points = frontier_of(models, base)
    return FrontierPublic.of(base, chosen, points, versions, _kept(parts, base))


@router.post(
    "/choose",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={200: {"model": ModelVersionPublic, "description": "A version of the model serves this point already."}},
    openapi_extra=policy(Scope.MODELS, repeat=Repeat.ALWAYS),
)
def choose_point(
    name: str, body: PointChosen, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep
) -> ModelVersionPublic:
    """Register another point of the frontier as the model's next version, without training.

    Where a version of the model serves that point already, the answer is that version with status 200, and nothing is registered.
    """
    versions = parts.store.versions(name, caller.tenant)
    base = numbered_version(versions, name, body.version)
    _, points = frontier_of(models, base)
    point = find_point(points, body.point)
    if point is None:
        raise RequestError(unknown_point(points, body.point), "/point")
    found = serving_point(versions, base, point.name)
    if found is None:
        try:
            return answered(_registered(parts, base, versions[0].version, point.name), response, models)
        except ConflictError:  # somebody else may have chosen it just now
            found = serving_point(parts.store.versions(name, caller.tenant), base, point.name)
            if found is None:
                raise
    response.status_code = 200
    return answered(found, response, models)


def frontier_of(models: TenantModels, base: ModelVersion) -> tuple[str, tuple[FrontierPoint, ...]]:
    """Point that a version serves, and the frontier of its search.

    Raises:
        BundleError: the version cannot be loaded.
        ConflictError: it has no frontier.
    """
    summary = models.get(base.name, base.version).recommender.summary
    try:
        points = POINTS.validate_python(summary.get("frontier", ()), strict=False)
    except ValidationError:
        points = ()
    if not points:
        raise ConflictError(f"Version {base.version} of model {base.name!r} {NO_FRONTIER}")
    return str(summary.get("chosen")), points


def serving_point(versions: Sequence[ModelVersion], base: ModelVersion, point: str) -> ModelVersion | None:
    """The newest version that serves a point of the same search as `base` does."""
    return next((one for one in versions if origin(one) == origin(base) and one.facts.get("chosen") == point), None)


def _number(version: ModelVersion | None) -> int | None:
    return None if version is None else version.version


def _kept(parts: AppState, base: ModelVersion) -> bool:
    try:
        parts.store.job(origin(base))
    except UnknownIdError:
        return False
    return True


def _registered(parts: AppState, base: ModelVersion, newest: int, point: str) -> ModelVersion:
    search_id = origin(base)
    source = point_bundle(search_folder(parts.settings.folder.resolve(), search_id), point)
    words = f"The point `{point}` of the frontier of search {search_id} was chosen."
    try:
        if not source.is_dir():
            raise FileNotFoundError
        return registered_version(
            parts, (base, base.name, newest), words, lambda folder: copy_bundle(source, folder), {FRONTIER_OF: search_id, "chosen": point}
        )
    except FileNotFoundError as error:
        why = "keeps no bundle of it" if _kept(parts, base) else "was deleted"
        law = f"The point {point!r} is kept by search {search_id}, which {why}"
        raise ConflictError(f"{law}. Run that search again, or promote a version that there is.") from error
