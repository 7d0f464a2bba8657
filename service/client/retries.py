"""When a request may be sent again, and how long to wait before that."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from ihas_service.errors import ServiceError, service_error

TRIES = 4
FIRST_WAIT_S, MAX_WAIT_S = 0.2, 10.0
BUSY = frozenset({429, 502, 503, 504})
REPEATABLE = (
    "/v1/events",
    "/v1/models/{name}/score",
    "/v1/models/{name}/recommend",
    "/v1/models/{name}/what-if",
    "/v1/models/{name}/choose",
    "/v2/models/{model_name}/infer",
    "/v2/models/{model_name}/versions/{model_version}/infer",
)
"""Paths to which a POST may be sent again; equal to the routes' own policies (`x-ihas-policy`), as a test asserts."""
REPEATABLE_WITH_KEY = (
    "/v1/searches",
    "/v1/searches/{search_id}/clone",
    "/v1/datasets/{dataset_id}/append",
    "/v1/datasets/{dataset_id}/append/rows",
    "/v1/models/{name}/batch",
    "/v1/models/{name}/refresh",
)
"""Paths to which a POST with an idempotency key may be sent again; likewise."""


def repeatable(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether sending a request twice has the effect of sending it once."""
    if method in ("GET", "HEAD"):
        return True
    return method == "POST" and (_is_one_of(path, REPEATABLE) or ("idempotency-key" in headers and _is_one_of(path, REPEATABLE_WITH_KEY)))


def _is_one_of(path: str, templates: Iterable[str]) -> bool:
    """Whether a path is one of those that templates with parameters in braces stand for."""
    given = path.split("/")
    return any(
        len(given) == len(wanted) and all(part == other or other.startswith("{") for part, other in zip(given, wanted, strict=True))
        for wanted in (template.split("/") for template in templates)
    )


def wait_s(attempt: int, answer: httpx.Response | None) -> float:
    """Seconds before the next try: what the service said, else twice as long each time, half of it drawn.

    attempt 0, 1, 2, ...  ->  FIRST_WAIT_S * 2^attempt * U(0.5, 1), at most MAX_WAIT_S
    """
    said = "" if answer is None else answer.headers.get("retry-after", "")
    if said.isdecimal():
        return min(float(said), MAX_WAIT_S)
    return min(FIRST_WAIT_S * 2.0**attempt, MAX_WAIT_S) * random.uniform(0.5, 1.0)


def final(answer: httpx.Response) -> httpx.Response:
    """An answer that is no error.

    Raises:
        ServiceError: it is one, of the class of its status.
    """
    if answer.is_error:
        raise service_error(problem(answer))
    return answer


def unreachable(error: Exception) -> ServiceError:
    """What no answer means."""
    detail = f"The service cannot be reached: {error or type(error).__name__}."
    return service_error({"title": "Service out of reach", "status": 0, "detail": detail})


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an error."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        document: dict[str, Any] = answer.json()
        return document
    return {"title": answer.reason_phrase, "status": answer.status_code, "detail": answer.text[:500]}
