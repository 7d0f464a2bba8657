"""Models: what there is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ihas.errors import BundleError
from ihas_service.auth.scopes import Scope
from ihas_service.errors import NoVersionServesError
from ihas_service.http.dependencies import CallerDep, PartsDep, RegistryDep, StoreDep, versions_of
from ihas_service.http.policy import policy, reading
from ihas_service.http.schemas.searches import DeletedPublic, ModelPublic, ModelsPublic, ModelVersionPublic
from ihas_service.models.tenant_models import TenantModels
from ihas_service.models.traffic_split import Served

router = APIRouter(prefix="/v1/models", tags=["models"])
ForceDep = Annotated[bool, Query(description="Delete it also if it is in use.")]


@router.get("", openapi_extra=reading())
def list_models(store: StoreDep, caller: CallerDep) -> ModelsPublic:
    """The newest version of every model."""
    return ModelsPublic(models=tuple(map(ModelVersionPublic.of, store.models(caller.tenant))))


@router.get("/{name}", openapi_extra=reading())
def read_model(name: str, store: StoreDep, registry: RegistryDep) -> ModelPublic:
    """One model: its versions, and what the search behind the serving one found."""
    versions = versions_of(store, name, registry.tenant)
    served, problem = _served(registry, name)
    return ModelPublic(
        name=name,
        latest=versions[0].version,
        serving=None if served is None else served.version.version,
        problem=problem,
        summary={} if served is None else served.recommender.summary,
        versions=tuple(map(ModelVersionPublic.of, versions)),
    )


@router.delete("/{name}", openapi_extra=policy(Scope.MODELS))
def delete_model(name: str, parts: PartsDep, caller: CallerDep, force: ForceDep = False) -> DeletedPublic:
    """Delete a model with all its versions, aliases and traffic; refused with 409 if a version was promoted, is a canary or a shadow or has
    an alias, or a search is to become the next one, unless `force` is set. Its searches stay."""
    gone = parts.deletions.model(caller.tenant, name, force)
    parts.registry.forget(name, caller.tenant)
    return DeletedPublic.of(name, parts.maintenance.remove(gone))


def _served(registry: TenantModels, name: str) -> tuple[Served | None, str | None]:
    try:
        return registry.get(name), None
    except (BundleError, NoVersionServesError) as error:
        return None, str(error)
