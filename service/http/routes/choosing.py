"""Choice of the version that serves a request; used by routes whose cost is counted in microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from ihas_service.auth.caller import Caller
from ihas_service.http.dependencies import AppState
from ihas_service.models.traffic_split import Served, TrafficSplit
from ihas_service.storage.traffic import Exploration

STICKY_HEADER = b"sticky-key"


async def chosen(scope: Scope, parts: AppState, name: str, version: int | None, stated: Mapping[str, Any]) -> Served:
    """The requested version, or the one that the traffic split assigns to this request; from memory where possible.

    Args:
        scope: of the request (ASGI); says who asks, and may carry the header `Sticky-Key`.
        parts: of the application.
        name: of the model.
        version: asked for by number; None for the champion or a canary.
        stated: values that the request states, by field; of several rows, the first one's.

    Raises:
        UnknownIdError: no such name or version.
        BundleError: no version of it can be loaded.
    """
    caller: Caller = scope["state"]["caller"]
    registry, tenant = parts.registry, caller.tenant
    if version is not None:
        ready = registry.ready(name, version, tenant)
        return ready if ready is not None else await run_in_threadpool(registry.get, name, version, tenant)
    split = registry.split(name, tenant)
    if split is None:
        split = await run_in_threadpool(registry.renew, name, tenant)
    if not split.canaries:
        return split.champion
    return split.choose(_sticky(scope, split, stated), stated)


def challenger_of(scope: Scope, parts: AppState, served: Served, stated: Mapping[str, Any]) -> Served | None:
    """The version that this request's list is interleaved with; None for none, as of every request that the champion does not answer.

    Args:
        served: what `chosen` gave of the same request without a version.
    """
    split = parts.registry.split(served.version.name, served.version.tenant)
    if split is None or split.challenger is None or served is not split.champion:
        return None
    return split.interleaved(_sticky(scope, split, stated))


def exploration_of(parts: AppState, served: Served) -> Exploration | None:
    """How the order of an answer of a version that the traffic split chose is drawn; None where none is."""
    split = parts.registry.split(served.version.name, served.version.tenant)
    return None if split is None or served not in (split.champion, *split.canaries) else split.exploration


def trial_of(parts: AppState, served: Served) -> int:
    """The comparison in which an answer of a version that the traffic split chose counts; 0 for none."""
    split = parts.registry.split(served.version.name, served.version.tenant)
    return 0 if split is None or served not in (split.champion, *split.canaries) else split.trial


def _sticky(scope: Scope, split: TrafficSplit, stated: Mapping[str, Any]) -> str | None:
    header = next((value.decode("latin-1") for key, value in scope["headers"] if key == STICKY_HEADER), None)
    return split.sticky_key(header, stated)


def shadows_of(parts: AppState, served: Served, stated: Mapping[str, Any]) -> tuple[Served, ...]:
    """Shadow versions of this request; none if a version outside the traffic split was requested by number."""
    split = parts.registry.split(served.version.name, served.version.tenant)
    return () if split is None or served not in (split.champion, *split.canaries) else split.shadows_for(stated)


def is_canary(parts: AppState, served: Served) -> bool:
    """Whether the version answers as a canary."""
    split = parts.registry.split(served.version.name, served.version.tenant)
    return split is not None and served in split.canaries
