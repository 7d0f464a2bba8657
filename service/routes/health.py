"""Whether the process is well, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.deps import PartsDep, RegistryDep, StoreDep
from service.problems import ProblemPart, problem_response
from service.schemas import Health

router = APIRouter(tags=["health"])
RETRY = {"retry-after": "1"}
NOT_READY = ("not-ready", 503, "Not ready")
LOADING = ("loading", 503, "Loading")


@router.get("/livez")
async def livez() -> Health:
    """The process answers."""
    return Health(status="alive")


@router.get("/readyz", response_model=Health)
def readyz(request: Request, store: StoreDep, registry: RegistryDep) -> Health | Response:
    """The database is reached, and of every model a version met its golden rows."""
    store.check()
    if registry.loading:
        return problem_response(request.scope, LOADING, "The models are being loaded and checked. Ask again.", headers=RETRY)
    failures = registry.failures()
    if failures:
        errors = [ProblemPart(detail=reason) for reason in failures.values()]
        detail = f"No version can be used of {', '.join(map(repr, failures))}."
        return problem_response(request.scope, NOT_READY, detail, errors, RETRY)
    return Health(status="ready", models=dict(registry.serving()))


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(parts: PartsDep) -> Response:
    """Figures for Prometheus."""
    return Response(parts.metrics.page(), media_type=CONTENT_TYPE_LATEST)
