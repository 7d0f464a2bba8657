"""Who asks: what a program must know before it offers what a key may not do."""

from __future__ import annotations

from fastapi import APIRouter

from ihas_service.http.dependencies import CallerDep, SettingsDep
from ihas_service.http.policy import reading
from ihas_service.http.schemas.caller import CallerPublic

router = APIRouter(prefix="/v1/caller", tags=["keys"])


@router.get("", openapi_extra=reading())
def read_caller(caller: CallerDep, settings: SettingsDep) -> CallerPublic:
    """Tenant, name and scopes of the key or token that asks."""
    return CallerPublic.of(caller, settings.access)
