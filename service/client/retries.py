"""When a request may be sent again, and how long to wait before that."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import httpx

from service.errors import ServiceError, service_error

TRIES = 4
FIRST_WAIT_S, MAX_WAIT_S = 0.2, 10.0
BUSY = frozenset({429, 502, 503, 504})
ASKING = ("/score", "/recommend", "/what-if", "/compare")


def repeatable(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether sending a request twice does what once does: reading, asking models, and what carries an idempotency key."""
    return method in ("GET", "HEAD") or "idempotency-key" in headers or path.endswith(ASKING)


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
