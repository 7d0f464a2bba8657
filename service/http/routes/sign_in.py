"""How a person signs in, told to whoever asks: the dashboard reads it before it has a key."""

from __future__ import annotations

from fastapi import APIRouter

from ihas_service.http.dependencies import SettingsDep
from ihas_service.http.policy import reading
from ihas_service.http.schemas.sign_in import SignInPublic

router = APIRouter(prefix="/v1/sign-in", tags=["keys"])


@router.get("", openapi_extra=reading(None))
def read_sign_in(settings: SettingsDep) -> SignInPublic:
    """Whether a key or token is needed, and the OpenID provider at which a browser gets one."""
    return SignInPublic.of(settings)
