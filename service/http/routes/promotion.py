"""Which versions go live without a person, and what the gates said of a version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from ihas_service.auth.scopes import Scope
from ihas_service.errors import UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, IfMatchDep, PartsDep, etag, expected_revision, json_only, versions_of
from ihas_service.http.policy import policy, reading
from ihas_service.http.schemas.promotion import GatesPublic, PromotionPublic
from ihas_service.storage.aliases import ANY
from ihas_service.storage.promotion import Promotion
from ihas_service.storage.promotion_settings import PromotionSettings

router = APIRouter(prefix="/v1/models/{name}", tags=["releases"], route_class=JsonRoute)
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/promotion", openapi_extra=reading())
def read_promotion(name: str, response: Response, parts: PartsDep, caller: CallerDep) -> PromotionPublic:
    """Which new versions of the model go live without a person, and the bounds of the gates."""
    versions_of(parts.store, name, caller.tenant)
    found = parts.promotions.get(caller.tenant, name)
    response.headers["ETag"] = etag(found.revision)
    return PromotionPublic.of(found, parts.settings.auto_promote)


@router.put("/promotion", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
def put_promotion(
    name: str, body: PromotionSettings, response: Response, parts: PartsDep, caller: CallerDep, if_match: IfMatchDep = None
) -> PromotionPublic:
    """Say which new versions of the model go live without a person; versions that there are stay what they are."""
    versions_of(parts.store, name, caller.tenant)
    expected = ANY if if_match is None else expected_revision(if_match)
    found = parts.promotions.put(Promotion(caller.tenant, name, 0, body, caller.name, 0.0), expected)
    response.headers["ETag"] = etag(found.revision)
    return PromotionPublic.of(found, parts.settings.auto_promote)


@router.get("/versions/{version}/gates", openapi_extra=reading())
def read_gates(name: str, version: Number, parts: PartsDep, caller: CallerDep) -> GatesPublic:
    """What the gates said of a version when its search registered it: golden rows, AUC against the champion on the newest test rows,
    calibration, and latency."""
    versions = versions_of(parts.store, name, caller.tenant)
    found = next((one for one in versions if one.version == version), None)
    if found is None:
        raise UnknownIdError(f"Model {name!r} has no version {version}.")
    return GatesPublic.of(found)
