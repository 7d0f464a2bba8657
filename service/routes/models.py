"""Models: what there is, and answers.

Scoring and recommending read the body with msgspec, straight into frozen structures: no work per row in Python.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from ihas.errors import BundleError, RequestError
from ihas.serving.answers import RecommendedItem, RecommendRequest, Scored, UnknownValue
from service.deps import CallerDep, PartsDep, RegistryDep, StoreDep, VersionDep, json_only
from service.division import Served
from service.errors import UnknownIdError
from service.jobs.rows import new_id
from service.openapi import body_of, json_answer
from service.problems import pointer_to
from service.registry import TenantModels
from service.routes.choosing import chosen, shadows_of
from service.schemas import ModelPublic, ModelsPublic, ModelVersionPublic

router = APIRouter(prefix="/v1/models", tags=["models"])
PLACE = re.compile(r" - at `(?:key in )?\$(?P<place>.*)`$")
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
Asked = TypeVar("Asked")


class ScoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows to score: the value of each field, context and item alike; a field left out is missing."""

    rows: list[dict[str, Any]]
    explain: bool = False


class ScoreResponse(msgspec.Struct, frozen=True):
    """The score of each row, in order."""

    model: str
    version: int
    scores: list[Scored]


class RecommendResponse(msgspec.Struct, frozen=True):
    """The best items, best first."""

    recommendation_id: str
    model: str
    version: int
    items: tuple[RecommendedItem, ...]
    num_scored: int
    unknown_candidates: tuple[str, ...]
    unknown_values: tuple[UnknownValue, ...]


STRUCTURES = (ScoreRequest, ScoreResponse, RecommendRequest, RecommendResponse)
SCORE = msgspec.json.Decoder(ScoreRequest)
RECOMMEND = msgspec.json.Decoder(RecommendRequest)
ENCODER = msgspec.json.Encoder()


@router.get("")
def list_models(store: StoreDep, caller: CallerDep) -> ModelsPublic:
    """The newest version of every model."""
    return ModelsPublic(models=tuple(map(ModelVersionPublic.of, store.models(caller.tenant))))


@router.get("/{name}")
def read_model(name: str, store: StoreDep, registry: RegistryDep) -> ModelPublic:
    """One model: its versions, and what the search behind the serving one found."""
    versions = store.versions(name, registry.tenant)
    if not versions:
        raise UnknownIdError(f"There is no model {name!r}.")
    served, problem = _served(registry, name)
    return ModelPublic(
        name=name,
        latest=versions[0].version,
        serving=None if served is None else served.version.version,
        problem=problem,
        summary={} if served is None else served.recommender.bundle.summary,
        versions=tuple(map(ModelVersionPublic.of, versions)),
    )


@router.post(
    "/{name}/score",
    dependencies=[Depends(json_only)],
    openapi_extra=body_of(ScoreRequest),
    responses=json_answer(ScoreResponse),
)
async def score(name: str, request: Request, parts: PartsDep, version: VersionDep = None) -> Response:
    """Score rows."""
    asked = decode(SCORE, await request.body())
    served = await chosen(request.scope, parts, name, version, asked.rows[0] if asked.rows else {})
    scores = await run_in_threadpool(served.recommender.score, asked.rows, asked.explain)
    parts.aftermath.scored(shadows_of(parts, served), asked.rows, scores)
    return _json(ScoreResponse(name, served.version.version, scores))


@router.post(
    "/{name}/recommend",
    dependencies=[Depends(json_only)],
    openapi_extra=body_of(RecommendRequest),
    responses=json_answer(RecommendResponse),
)
async def recommend(name: str, request: Request, parts: PartsDep, version: VersionDep = None) -> Response:
    """Recommend the best items for a context, among candidates or among all items."""
    asked = decode(RECOMMEND, await request.body())
    served = await chosen(request.scope, parts, name, version, asked.context)
    given_id = new_id("rc")
    answer = await run_in_threadpool(served.recommender.recommend, asked, given_id)
    parts.aftermath.recommended(served, shadows_of(parts, served), asked, given_id, answer)
    return _json(RecommendResponse(**{**msgspec.structs.asdict(answer), "model": name}, version=served.version.version))


def decode(decoder: msgspec.json.Decoder[Asked], body: bytes) -> Asked:
    """The body as the decoder's type.

    Raises:
        RequestError: it is not of that type; points at the part.
        HTTPException: it is not JSON.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message = str(error)
        place = PLACE.search(message)
        steps = STEP.findall(place["place"]) if place else []
        raise RequestError(f"{PLACE.sub('', message)}.", pointer_to([name or position for name, position in steps])) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"The body is no JSON: {error}.") from error


def _served(registry: TenantModels, name: str) -> tuple[Served | None, str | None]:
    try:
        return registry.get(name), None
    except BundleError as error:
        return None, str(error)


def _json(answer: msgspec.Struct) -> Response:
    return Response(ENCODER.encode(answer), media_type="application/json")
