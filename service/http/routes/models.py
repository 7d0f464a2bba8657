"""Models: what there is."""

from __future__ import annotations

from fastapi import APIRouter

from ihas.errors import BundleError
from service.errors import UnknownIdError
from service.http.dependencies import CallerDep, RegistryDep, StoreDep
from service.http.policy import reading
from service.http.schemas.searches import ModelPublic, ModelsPublic, ModelVersionPublic
from service.models.registry import TenantModels
from service.models.traffic_split import Served

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", openapi_extra=reading())
def list_models(store: StoreDep, caller: CallerDep) -> ModelsPublic:
    """The newest version of every model."""
    return ModelsPublic(models=tuple(map(ModelVersionPublic.of, store.models(caller.tenant))))


@router.get("/{name}", openapi_extra=reading())
def read_model(name: str, store: StoreDep, registry: RegistryDep) -> ModelPublic:
    """One model: its versions, and what the search behind the serving one found."""
    versions = store.versions(name, registry.tenant)
    if not versions:
        raise UnknownIdError(f"There is no model {name!r}.")
    served, problem = _served(registry, name)
    return ModelPublic(
        name=name,
        latest=versions[0].version,
        serving=None if served is None else served.version.version,
        problem=problem,
        summary={} if served is None else served.recommender.summary,
        versions=tuple(map(ModelVersionPublic.of, versions)),
    )


def _served(registry: TenantModels, name: str) -> tuple[Served | None, str | None]:
    try:
        return registry.get(name), None
    except BundleError as error:
        return None, str(error)
