"""Score and recommend: the two routes whose cost is counted in microseconds.

They are plain ASGI endpoints in front of all others: the path is matched first, msgspec reads the body straight into frozen
structures, and nothing is solved, validated twice or wrapped. FastAPI describes them by `described`, which answers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
import structlog
from fastapi import APIRouter, HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, QueryParams
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from ihas.errors import RequestError
from ihas.serving.answers import Recommendation, RecommendedItem, RecommendRequest, Retrieved, Scored, UnknownValue
from ihas.serving.protocol import Recommender
from ihas_service.http.bodies import INLINE_BYTES, check_values, whole_body
from ihas_service.http.dependencies import AppState, VersionDep, is_json
from ihas_service.http.openapi import body_of, json_answer
from ihas_service.http.policy import MANY_VALUES, MIB, asking
from ihas_service.http.problems import pointer_to
from ihas_service.http.routes.choosing import challenger_of, chosen, exploration_of, is_canary, shadows_of, trial_of
from ihas_service.http.routes.known_user import with_known
from ihas_service.ids import new_id
from ihas_service.models.experiments.drawing import draw, for_the_pool, may_be_drawn
from ihas_service.models.experiments.interleaving import Coin, fair_coin, team_draft
from ihas_service.models.microbatch import MAX_ROWS, MicroBatches
from ihas_service.models.response_log import Challenger, Chosen
from ihas_service.models.traffic_split import Served

PLACE = re.compile(r" - at `(?:key in )?\$(?P<place>.*)`$")
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
NO_FIELDS: tuple[str, ...] = ()
JSON = (b"content-type", b"application/json")
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
    degraded_groups: tuple[int, ...] = ()


class RecommendResponse(msgspec.Struct, frozen=True):
    """The best items, best first."""

    recommendation_id: str
    model: str
    version: int
    items: tuple[RecommendedItem, ...]
    num_scored: int
    unknown_candidates: tuple[str, ...]
    unknown_values: tuple[UnknownValue, ...]
    retrieved: Retrieved | None = None
    degraded_groups: tuple[int, ...] = ()
    profile_fields: tuple[str, ...] = ()
    seen_excluded: int = 0
    explored: bool = False
    clicks_excluded: int = 0


STRUCTURES = (ScoreRequest, ScoreResponse, RecommendRequest, RecommendResponse)
SCORE = msgspec.json.Decoder(ScoreRequest)
RECOMMEND = msgspec.json.Decoder(RecommendRequest)
ENCODER = msgspec.json.Encoder()
LOG = structlog.get_logger(__name__)
VERSION: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=2**31 - 1)])

described = APIRouter(prefix="/v1/models", tags=["models"])


@described.post(
    "/{name}/score",
    openapi_extra=asking(8 * MIB, body_of(ScoreRequest)),
    responses=json_answer(ScoreResponse),
)
def score(name: str, version: VersionDep = None) -> None:
    """Score rows."""


@described.post(
    "/{name}/recommend",
    openapi_extra=asking(4 * MIB, body_of(RecommendRequest)),
    responses=json_answer(RecommendResponse),
)
def recommend(name: str, version: VersionDep = None) -> None:
    """Recommend the best items for a context, among candidates or among all items."""


def hot_routes(parts: AppState) -> Sequence[Route]:
    """The routes of one application; they stand before all others."""
    return (
        HotRoute("/v1/models/{name}/score", ScoreEndpoint(parts), methods=["POST"]),
        HotRoute("/v1/models/{name}/recommend", RecommendEndpoint(parts), methods=["POST"]),
    )


class HotRoute(Route):
    """A plain route that says which one it is, as FastAPI's own do."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See `Route.matches`."""
        match, child = super().matches(scope)
        if match is not Match.NONE:
            child["route"] = self
        return match, child


class ScoreEndpoint:
    """Scores rows: single ones together with those of other requests, many in a thread."""

    def __init__(self, parts: AppState) -> None:
        self._parts, self._batches = parts, MicroBatches()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        body = await json_body(scope, receive)
        asked = await read(SCORE, body)
        name, version = scope["path_params"]["name"], version_of(scope["query_string"])
        first = asked.rows[0] if asked.rows else {}
        served = await chosen(scope, self._parts, name, version, first)
        scores = await self._scores(scope, served.recommender, asked, len(body))
        self._parts.response_log.scored(served, shadows_of(self._parts, served, first), asked.rows, scores)
        _count_fallbacks(self._parts, served, scores)
        await answer(send, ScoreResponse(name, served.version.version, list(scores), tuple(served.degraded)))

    async def _scores(self, scope: Scope, recommender: Recommender, asked: ScoreRequest, size: int) -> Sequence[Scored]:
        batches = recommender.batches
        if asked.explain or len(asked.rows) > MAX_ROWS or size > INLINE_BYTES or batches is None:
            return await self._parts.threads.run(scope, recommender.score, asked.rows, asked.explain)
        return await self._batches.score(batches, batches.read(asked.rows))


class RecommendEndpoint:
    """Recommends: at once where that takes less time than to find a thread, else in one."""

    def __init__(self, parts: AppState) -> None:
        self._parts, self._generator = parts, np.random.default_rng()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        body = await json_body(scope, receive)
        asked = await read(RECOMMEND, body)
        name, version = scope["path_params"]["name"], version_of(scope["query_string"])
        served, given_id = await chosen(scope, self._parts, name, version, asked.context), new_id("rc")
        users, put, clicked = self._parts.known_users.of(served.version.tenant, name), NO_FIELDS, 0
        if users is not None or asked.exclude_seen:
            asked, put, clicked = await with_known(self._parts, served, users, asked)
        other = None if version is not None else challenger_of(scope, self._parts, served, asked.context)
        exploration = None if version is not None or other is not None else exploration_of(self._parts, served)
        challenger = drawn = None
        if exploration is None or not may_be_drawn(asked):
            found = await self._recommended(scope, served, asked, (given_id, len(body)))
        else:
            pool = await self._recommended(scope, served, for_the_pool(asked, exploration), (given_id, len(body)))
            found, drawn = draw(pool, asked.k, exploration, self._generator)
        if other is not None and asked.diversity is None:  # two lists that keep a rule do not keep it together
            found, challenger = await self._interleaved(scope, found, other, asked, (given_id, len(body)))
        compared = version is None and (other is None) == (challenger is None)  # one that was left alone is of no side's kind
        trial, canary = trial_of(self._parts, served) if compared else 0, version is None and is_canary(self._parts, served)
        shadows = () if challenger is not None else shadows_of(self._parts, served, asked.context)
        self._parts.response_log.recommended(Chosen(served, shadows, trial, challenger, canary, drawn), asked, given_id, found)
        _count_fallbacks(self._parts, served, found.items)
        parts = (found.items, found.num_scored, found.unknown_candidates, found.unknown_values, found.retrieved, found.degraded_groups)
        known = ((*put, *found.profile_fields), found.seen_excluded, drawn is not None and drawn.explored, clicked)
        response = RecommendResponse(given_id, name, served.version.version, *parts, *known)
        await answer(send, response)

    async def _recommended(self, scope: Scope, served: Served, asked: RecommendRequest, of: tuple[str, int]) -> Recommendation:
        """The best items by one version; `of` is the answer's id and the bytes of the request."""
        recommender, (given_id, size) = served.recommender, of
        batches = recommender.batches
        if batches is not None and size <= INLINE_BYTES and batches.is_quick(asked):
            return recommender.recommend(asked, given_id)
        return await self._parts.threads.run(scope, recommender.recommend, asked, given_id)

    async def _interleaved(
        self, scope: Scope, found: Recommendation, other: Served, asked: RecommendRequest, of: tuple[str, int]
    ) -> tuple[Recommendation, Challenger | None]:
        """The champion's list and the other version's as one; the champion's alone where the other one cannot answer this request."""
        try:
            theirs = await self._recommended(scope, other, asked, of)
        except Exception as error:  # whatever the other version does, the champion's list is there
            LOG.warning("a list was not interleaved", model=other.version.name, version=other.version.version, error=f"{error}")
            return found, None
        return interleave(found, theirs, other.version.version, asked.k)


def interleave(
    found: Recommendation, theirs: Recommendation, version: int, k: int, coin: Coin = fair_coin
) -> tuple[Recommendation, Challenger]:
    """Two lists as one (team draft); each item keeps the score and the group that its own version gave it."""
    drafted = team_draft([item.id for item in found.items], [item.id for item in theirs.items], k, coin)
    own = {item.id: item for item in found.items}
    other = {item.id: item for item in theirs.items}
    picked = [other[item] if item in drafted.second else own[item] for item in drafted.items]
    items = tuple(msgspec.structs.replace(item, rank=rank) for rank, item in enumerate(picked, start=1))
    return msgspec.structs.replace(found, items=items), Challenger(version, drafted.second)


def _count_fallbacks(parts: AppState, served: Served, answers: Sequence[Scored] | Sequence[RecommendedItem]) -> None:
    """Count what the shared model scored in the place of a group's own."""
    if served.degraded:
        parts.metrics.fall_back(served.version, sum(one.group in served.degraded for one in answers))


async def json_body(scope: Scope, receive: Receive) -> bytes:
    """The body of a request that says that it is JSON.

    Raises:
        HTTPException: it does not say so.
        ClientDisconnect: the client left before it was whole.
    """
    if JSON not in scope["headers"] and not is_json(Headers(scope=scope)):
        media = Headers(scope=scope).get("content-type")
        raise HTTPException(415, f"The body must be application/json, but is {media or 'of no stated type'}.")
    return await whole_body(receive)


def version_of(query: bytes) -> int | None:
    """The version that a query names.

    Raises:
        RequestValidationError: it is no version.
    """
    asked = QueryParams(query).get("version") if query else None
    if asked is None:
        return None
    try:
        return VERSION.validate_python(asked)
    except ValidationError as error:
        raise RequestValidationError([{**part, "loc": ("query", "version")} for part in error.errors(include_url=False)]) from error


async def read(decoder: msgspec.json.Decoder[Asked], body: bytes) -> Asked:
    """The body as the decoder's type, decoded outside the event loop where it is large; see `decode`."""
    return decode(decoder, body) if len(body) <= INLINE_BYTES else await run_in_threadpool(decode, decoder, body)


def decode(decoder: msgspec.json.Decoder[Asked], body: bytes) -> Asked:
    """The body as the decoder's type.

    Raises:
        RequestError: it is not of that type; points at the part.
        HTTPException: it is not JSON, or holds too many values.
    """
    check_values(body, MANY_VALUES)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message = str(error)
        place = PLACE.search(message)
        steps = STEP.findall(place["place"]) if place else []
        raise RequestError(f"{PLACE.sub('', message)}.", pointer_to([name or position for name, position in steps])) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is not JSON: {error}.") from error


async def answer(send: Send, document: msgspec.Struct) -> None:
    """Send a document as JSON."""
    body = ENCODER.encode(document)
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [JSON, length]})
    await send({"type": "http.response.body", "body": body})
