"""What the caller's tenant keeps, against its quotas."""

from __future__ import annotations

from fastapi import APIRouter

from ihas_service.http.dependencies import CallerDep, PartsDep
from ihas_service.http.policy import reading
from ihas_service.http.schemas.usage import QuotaPublic, UsagePublic

router = APIRouter(prefix="/v1/usage", tags=["usage"])


@router.get("", openapi_extra=reading())
def read_usage(parts: PartsDep, caller: CallerDep) -> UsagePublic:
    """Bytes that the tenant keeps of each kind, and may keep."""
    settings, tenant = parts.settings, caller.tenant
    datasets = parts.store.dataset_room(tenant, settings.max_dataset_bytes_per_tenant)
    searches = parts.store.search_room(tenant, settings.max_search_bytes_per_tenant)
    return UsagePublic(
        datasets=QuotaPublic.of(datasets.used, datasets.limit),
        searches=QuotaPublic.of(searches.used, searches.limit),
        answers=QuotaPublic.of(parts.feedback.used(tenant), settings.max_answer_bytes_per_tenant),
    )
