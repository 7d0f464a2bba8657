"""Health probes, and metrics of the process."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from ihas_service.auth.scopes import Scope
from ihas_service.http.dependencies import PartsDep
from ihas_service.http.policy import Shedding, reading
from ihas_service.http.problems import ProblemPart, problem_response
from ihas_service.http.schemas.searches import Health

router = APIRouter(tags=["health"])
RETRY = {"retry-after": "1"}
NOT_READY = ("not-ready", 503, "Not ready")
DRAINING = ("draining", 503, "Draining")
LOADING = ("loading", 503, "Loading")


@router.get("/livez", openapi_extra=reading(None, Shedding.NEVER))
async def livez() -> Health:
    """The process answers."""
    return Health(status="alive")


@router.get("/readyz", response_model=Health, openapi_extra=reading(None, Shedding.NEVER))
def readyz(request: Request, parts: PartsDep) -> Health | Response:
    """The database is reached, and of every model a version met its golden rows.

    With keys, models are not named, and one that cannot be used answers 503 itself: other tenants' models serve on. Where a group's own
    model failed its check and the shared one serves it, the answer is `degraded`, which is ready all the same.
    """
    parts.store.check()
    registry = parts.registry
    if registry.loading:
        return problem_response(request.scope, LOADING, "The models are being loaded and checked. Ask again.", headers=RETRY)
    if parts.draining.is_set():
        return problem_response(request.scope, DRAINING, "The service is about to stop.", headers=RETRY)
    degraded = registry.degraded()
    status: Literal["ready", "degraded"] = "degraded" if degraded else "ready"
    if parts.settings.access == "keys":
        return Health(status=status)
    failures = registry.failures()
    if failures:
        errors = [ProblemPart(detail=reason) for reason in failures.values()]
        detail = f"No version can be used of {', '.join(repr(name) for _, name in failures)}."
        return problem_response(request.scope, NOT_READY, detail, errors, RETRY)
    return Health(
        status=status,
        models={name: version for (_, name), version in registry.serving().items()},
        degraded={name: tuple(groups) for (_, name), groups in degraded.items()},
    )


@router.get("/startupz", response_model=Health, openapi_extra=reading(None, Shedding.NEVER))
def startupz(request: Request, parts: PartsDep) -> Health | Response:
    """All models that existed at the start were loaded and checked, or cannot be."""
    if parts.registry.loading:
        return problem_response(request.scope, LOADING, "The models are being loaded and checked. Ask again.", headers=RETRY)
    return Health(status="ready")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
    openapi_extra=reading(Scope.METRICS, Shedding.NEVER),
)
def metrics(parts: PartsDep) -> Response:
    """Metrics for Prometheus."""
    return Response(parts.metrics.page(), media_type=CONTENT_TYPE_LATEST)
