"""The files of routes. One of iHAS is a file here and a line below; one from outside calls `ROUTERS.register`."""

from __future__ import annotations

from fastapi import APIRouter

from ihas.extensions.registry import Registry
from ihas_service.http.routes import (
    aliases,
    batches,
    caller,
    dataset_versions,
    datasets,
    derived,
    estimates,
    event_rows,
    events,
    frontier,
    health,
    inference,
    items,
    keys,
    models,
    notes,
    off_policy,
    promotion,
    refreshes,
    schedules,
    search_views,
    searches,
    sign_in,
    usage,
    users,
    what_if,
)

ROUTERS: Registry[APIRouter] = Registry(
    "file of routes",
    {
        "datasets": datasets.router,
        "dataset_versions": dataset_versions.router,
        "estimates": estimates.router,
        "search_views": search_views.router,
        "searches": searches.router,
        "notes": notes.router,
        "models": models.router,
        "batches": batches.router,
        "derived": derived.router,
        "frontier": frontier.router,
        "refreshes": refreshes.router,
        "what_if": what_if.router,
        "aliases": aliases.router,
        "promotion": promotion.router,
        "schedules": schedules.router,
        "users": users.router,
        "items": items.router,
        "events": events.router,
        "off_policy": off_policy.router,
        "event_rows": event_rows.router,
        "keys": keys.router,
        "caller": caller.router,
        "sign_in": sign_in.router,
        "usage": usage.router,
        "inference": inference.router,
        "health": health.router,
    },
)
"""In the order in which their paths are matched: literal ones before those with parameters."""


def routers() -> tuple[APIRouter, ...]:
    """All routes: those of iHAS, then those of extensions."""
    return tuple(ROUTERS[name] for name in ROUTERS)
