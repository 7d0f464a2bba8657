"""Notes and tags of searches, for people."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from ihas_service.auth.scopes import Scope
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import PartsDep, SearchDep, json_only
from ihas_service.http.policy import policy
from ihas_service.http.schemas.notes import SearchNote
from ihas_service.http.schemas.searches import SearchPublic
from ihas_service.storage.notes import set_note

router = APIRouter(prefix="/v1/searches", tags=["searches"], route_class=JsonRoute)


@router.put("/{search_id}/note", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.SEARCH))
def put_note(search: SearchDep, body: SearchNote, parts: PartsDep) -> SearchPublic:
    """Write down a note and tags of a search, in place of those before; they go with the search."""
    set_note(parts.store, search.id, body.note, body.tags)
    return SearchPublic.of(parts.store.job(search.id))
