"""One shape for every error: problem documents (RFC 9457) as `application/problem+json`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ihas.config.base import Config
from ihas.errors import BundleError, ConfigError, DataError, RequestError, is_disk_full
from ihas.findings import Finding
from ihas_service.errors import (
    ConflictError,
    FetchError,
    KeyReusedError,
    NoKeyError,
    OverloadError,
    PathRefusedError,
    PreconditionError,
    PreconditionMissingError,
    ProviderError,
    QuotaError,
    ScopeError,
    StoreError,
    TooManyError,
    UnknownIdError,
    UriRefusedError,
)
from ihas_service.http.wording import worded
from ihas_service.storage.outage import is_outage, is_unstorable

PROTOCOL = "/v2"  # the Open Inference Protocol has a form of its own for errors
MEDIA_TYPE = "application/problem+json"
LOG = structlog.get_logger(__name__)
UNSTORABLE = "A name or a text of the request holds a character or a number that cannot be kept, such as the character of number 0."
AGAIN = {"retry-after": "1"}
INVALID_BODY = "invalid_body"
"""Key of a request's state that holds what is wrong with its body."""
MAX_TOLD = 20
"""Wrong parts of a request that are told."""
MAX_DETAIL, MAX_POINTER = 1_000, 500
"""Characters of a sentence and of a place; what the client sent is not sent back at length."""
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class ProblemPart(Config):
    """One error in a request or in data."""

    detail: str
    """What is wrong, and what to do."""
    pointer: str | None = None
    """JSON pointer (RFC 6901) to the part of the body."""
    parameter: str | None = None
    """Name of the query parameter or header."""
    code: str | None = None
    """Code of the error, in snake case."""
    row: int | None = None
    """Data row, counted from 1 without the header."""
    column: str | None = None
    """Column of the data."""


class Problem(Config):
    """Problem document (RFC 9457)."""

    type: str
    """URN of the kind of problem."""
    title: str
    """Title of the kind."""
    status: int
    """HTTP status."""
    detail: str
    """What is wrong, and what to do."""
    instance: str
    """Path of the request."""
    request_id: str
    """Id of the request in the logs."""
    errors: tuple[ProblemPart, ...] = ()
    """All errors, with their places."""


@dataclass(frozen=True, slots=True)
class InvalidBody:
    """What is wrong with a body, in the place of the document that it is not.

    Attributes:
        errors: at most one more than are told, each with `loc`, `msg` and `type` as pydantic says them.
    """

    errors: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, errors: Sequence[Mapping[str, Any]]) -> Self:
        """Those of the errors that are told."""
        return cls(tuple(errors[: MAX_TOLD + 1]))


# Kind, status and title of the errors that are raised on purpose.
KINDS: Mapping[type[Exception], tuple[str, int, str]] = {
    UnknownIdError: ("not-found", 404, "Not Found"),
    ConflictError: ("conflict", 409, "Not in this state"),
    KeyReusedError: ("key-reused", 422, "Idempotency key with another body"),
    PathRefusedError: ("path-refused", 403, "Path refused"),
    UriRefusedError: ("uri-refused", 403, "URI refused"),
    QuotaError: ("quota-exceeded", 413, "Quota exceeded"),
    FetchError: ("fetch-failed", 502, "File could not be fetched"),
    StoreError: ("store-unavailable", 503, "Store of bundles out of reach"),
    NoKeyError: ("no-key", 401, "No valid key"),
    ScopeError: ("scope", 403, "Not allowed to this key"),
    PreconditionError: ("precondition-failed", 412, "Changed meanwhile"),
    PreconditionMissingError: ("precondition-required", 428, "Precondition missing"),
    TooManyError: ("too-many", 429, "Too many"),
    OverloadError: ("overloaded", 503, "Too much at once"),
    ProviderError: ("provider-unavailable", 503, "Identity provider unavailable"),
    ConfigError: ("invalid-settings", 422, "Invalid settings"),
    RequestError: ("invalid-request", 422, "Invalid request"),
    DataError: ("invalid-data", 422, "Invalid data"),
    BundleError: ("model-unavailable", 503, "Model cannot be used"),
}


def problem_response(
    scope: Mapping[str, Any],
    kind: tuple[str, int, str],
    detail: str,
    errors: Sequence[ProblemPart] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a request that went wrong."""
    name, status, title = kind
    if str(scope["path"]).startswith(PROTOCOL):
        parts = "".join(f" {part.pointer or part.parameter}: {part.detail}" for part in errors)
        said = orjson.dumps({"error": shortened(f"{detail}{parts}", MAX_TOLD * MAX_DETAIL)})
        return Response(said, status_code=status, headers=dict(headers or {}), media_type="application/json")
    problem = {  # a `Problem`; not made as one, because those who are refused in an overload must cost little
        "type": f"urn:ihas:problem:{name}",
        "title": title,
        "status": status,
        "detail": shortened(detail),
        "instance": scope["path"],
        "request_id": scope.get("state", {}).get("request_id", ""),
        "errors": [part.model_dump(exclude_none=True) for part in errors],
    }
    return Response(orjson.dumps(problem), status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of `app` be answered by a problem document."""
    for kind in KINDS:
        app.add_exception_handler(kind, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(SQLAlchemyError, _on_database)
    app.add_exception_handler(OSError, _on_system)
    app.add_exception_handler(RecursionError, _on_nested)


def http_problem(scope: Mapping[str, Any], status: int, detail: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """A problem that HTTP has a name for."""
    title = HTTPStatus(status).phrase
    kind = title.lower().replace(" ", "-")
    return problem_response(scope, (kind, status, title), detail or HTTPStatus(status).description or title, headers=headers)


async def _on_known(request: Request, error: Exception) -> Response:
    return known_problem(request.scope, error)


def known_problem(scope: Mapping[str, Any], error: Exception) -> Response:
    """The answer to an error that is raised on purpose."""
    kind = next(KINDS[base] for base in type(error).__mro__ if base in KINDS)
    return problem_response(scope, kind, str(error), parts_of(error), _headers(error))


def _headers(error: Exception) -> Mapping[str, str]:
    if isinstance(error, TooManyError):
        return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
    if isinstance(error, ProviderError | StoreError):
        return AGAIN
    return {"www-authenticate": "Bearer"} if isinstance(error, NoKeyError) else {}


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    said = None if error.detail == HTTPStatus(error.status_code).phrase else str(error.detail)
    headers = {"allow": _allowed(request)} if error.status_code == 405 else error.headers
    return http_problem(request.scope, error.status_code, said or _explained(request, error.status_code), headers)


def _allowed(request: Request) -> str:
    """Methods at the path that the first route which knows the request's path is written with; the framework names those of one route."""
    nested = (getattr(getattr(route, "original_router", None), "routes", (route,)) for route in request.app.routes)
    known = [route for routes in nested for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    same = [route for route in known if getattr(route, "path", None) == getattr(known[0], "path", None)]
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    return ", ".join(m for m, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in same))


async def _on_database(request: Request, error: Exception) -> Response:
    return database_problem(request.scope, error)


def database_problem(scope: Mapping[str, Any], error: Exception) -> Response:
    """The answer where the database gives none; an error that is no outage is raised, for it is a fault of this program."""
    if is_disk_full(error):
        return _disk_full(scope, error)
    if is_unstorable(error):
        return problem_response(scope, KINDS[RequestError], UNSTORABLE)
    if not is_outage(error):
        raise error
    LOG.error("the database is out of reach", error=str(error))
    kind = ("database-unavailable", 503, "Database unavailable")
    return problem_response(scope, kind, "The database cannot be reached. Try again later.", headers=AGAIN)


async def _on_system(request: Request, error: Exception) -> Response:
    if not is_disk_full(error):
        raise error
    return _disk_full(request.scope, error)


def _disk_full(scope: Mapping[str, Any], error: Exception) -> Response:
    LOG.error("the disk is full", error=str(error))
    detail = "The disk of the service is full; nothing of the request was stored. Free space on it, then send the request again."
    return problem_response(scope, ("disk-full", 507, "Disk full"), detail)


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return invalid_problem(request.scope, _told_errors(request.scope, error))


def _told_errors(scope: Mapping[str, Any], error: RequestValidationError) -> Sequence[Mapping[str, Any]]:
    """What is wrong with a request; of its body what was found as it was read."""
    body = error.body if isinstance(error.body, InvalidBody) else scope.get("state", {}).get(INVALID_BODY)
    if body is None:
        return error.errors()
    of_body = [{**one, "loc": ("body", *one["loc"])} for one in body.errors]
    return [*(one for one in error.errors() if one["loc"][0] != "body"), *of_body]


def invalid_problem(scope: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> Response:
    """The answer to a request of which parts are wrong: the first of them, and whether there are more."""
    parts = [_part(one["loc"], worded(one) if "input" in one else one["msg"], one["type"]) for one in errors[:MAX_TOLD]]
    return problem_response(scope, KINDS[RequestError], shortened(_summary(parts, len(errors))), parts)


def _summary(parts: Sequence[ProblemPart], number: int) -> str:
    """What is wrong, for whoever reads the detail alone: the first part with its place, and how many there are."""
    place = parts[0].pointer or parts[0].parameter
    first = f"{place}: {parts[0].detail}" if place else parts[0].detail
    if number == 1:
        return first
    many = f"More than {MAX_TOLD}" if number > MAX_TOLD else str(number)
    return f"{many} parts of the request are invalid, the first at {first}"


async def _on_nested(request: Request, _error: Exception) -> Response:
    return http_problem(request.scope, 400, "The request is nested too deep. Send lists and objects of a few levels.")


def parts_of(error: Exception) -> tuple[ProblemPart, ...]:
    """What an error says about parts of the request or of the data."""
    if isinstance(error, DataError):
        return tuple(part_of_finding(finding) for finding in error.findings)
    if isinstance(error, RequestError):
        pointer = None if error.pointer is None else shortened(error.pointer, MAX_POINTER)
        return (ProblemPart(detail=shortened(str(error)), pointer=pointer),)
    return ()


def shortened(text: str, longest: int = MAX_DETAIL) -> str:
    """A text whose middle is left out where it is long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def part_of_finding(finding: Finding) -> ProblemPart:
    """A finding of the data as a part of a problem."""
    return ProblemPart(detail=finding.message, code=finding.code, row=finding.row, column=finding.column)


def pointer_to(parts: Sequence[str | int]) -> str:
    """JSON pointer (RFC 6901) of a place in a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _part(place: Sequence[str | int], message: str, code: str) -> ProblemPart:
    source, *rest = place
    message = shortened(message)
    if source == "body":
        return ProblemPart(detail=message, code=code, pointer=shortened(pointer_to(rest), MAX_POINTER))
    return ProblemPart(detail=message, code=code, parameter=".".join(str(part) for part in rest))


def _explained(request: Request, status: int) -> str | None:
    if status == 404:
        return f"There is no route {request.url.path}. All routes are listed at /docs."
    if status == 405:
        return f"{request.url.path} does not support {request.method}. The header `allow` lists its methods."
    return None
