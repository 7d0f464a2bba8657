"""The files of routes. One of iHAS is a file here and a line below; one from outside calls `register_router`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from ihas.extensions import load_extensions
from service.http.routes import (
    aliases,
    datasets,
    derived,
    estimates,
    events,
    health,
    inference,
    keys,
    models,
    search_views,
    searches,
    what_if,
)

BUILT_IN: tuple[APIRouter, ...] = (
    datasets.router,
    estimates.router,
    search_views.router,
    searches.router,
    models.router,
    derived.router,
    what_if.router,
    aliases.router,
    events.router,
    keys.router,
    inference.router,
    health.router,
)
"""In the order in which their paths are matched: literal ones before those with parameters."""
_registered: list[APIRouter] = []


def register_router(router: APIRouter) -> None:
    """Add routes from outside iHAS; to be called as their module is imported, before the application is made."""
    if router not in _registered:
        _registered.append(router)


def unregister_router(router: APIRouter) -> None:
    """Forget routes from outside iHAS, for applications that are made later."""
    if router in _registered:
        _registered.remove(router)


def routers() -> Sequence[APIRouter]:
    """All routes: those of iHAS, then those of extensions."""
    load_extensions()
    return (*BUILT_IN, *_registered)
