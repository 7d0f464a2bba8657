"""Answers of services of version 0.1.0, worded as this version words them; goes with version 0.3.0."""

from __future__ import annotations

from typing import Any

from ihas_service.states import with_stage

SEARCHES = "/v1/searches"


def current(path: str, document: dict[str, Any]) -> dict[str, Any]:
    """A document of a path in today's words: states such as `searching` are stages of a running job."""
    if not path.startswith(SEARCHES):
        return document
    if path == SEARCHES and "searches" in document:
        return {**document, "searches": [with_stage(search) for search in document["searches"]]}
    return with_stage(document) if "state" in document else document
