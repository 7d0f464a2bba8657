"""Which version answers a request, for every route that asks models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.division import Served
from service.registry import TenantModels

STICKY_HEADER = "sticky-key"


async def chosen(request: Request, models: TenantModels, name: str, version: int | None, stated: Mapping[str, Any]) -> Served:
    """The version that was asked for, or the one that the model's traffic gives to this request; from memory where it is there.

    Args:
        request: may carry the header `Sticky-Key`.
        models: of the caller's tenant.
        name: of the model.
        version: asked for by number; None for the champion or the canary.
        stated: values that the request states, by field; of several rows, the first one's.

    Raises:
        UnknownIdError: no such name or version.
        BundleError: no version of it can be loaded.
    """
    if version is not None:
        ready = models.ready(name, version)
        return ready if ready is not None else await run_in_threadpool(models.get, name, version)
    division = models.division(name)
    if division is None:
        division = await run_in_threadpool(models.renew, name)
    if division.canary is None:
        return division.champion
    return division.choose(division.sticky_key(request.headers.get(STICKY_HEADER), stated))
