"""Releases of a model: aliases, promotion, rollback, traffic split, lineage of a version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from ihas.errors import BundleError, RequestError
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, NoVersionServesError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import (
    CallerDep,
    CursorDep,
    IfMatchDep,
    IfNoneMatchDep,
    LimitDep,
    PartsDep,
    RegistryDep,
    StoreDep,
    etag,
    expected_revision,
    json_only,
    versions_of,
)
from ihas_service.http.policy import policy, reading
from ihas_service.http.schemas.releases import (
    AliasChangesPublic,
    AliasesPublic,
    AliasPublic,
    AliasPut,
    Lineage,
    PromotionOf,
    Rollback,
    TrafficPublic,
)
from ihas_service.http.schemas.searches import DeletedPublic
from ihas_service.models.tenant_models import TenantModels
from ihas_service.storage.aliases import ANY, CHAMPION, NONE, AliasRef
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.job_store import JobStore
from ihas_service.storage.traffic import Traffic, TrafficPlan

router = APIRouter(prefix="/v1/models/{name}", tags=["releases"], route_class=JsonRoute)
AliasName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
ReasonDep = Annotated[str, Query(max_length=1_000, description="Reason, for the history.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/versions/{version}", openapi_extra=reading())
def read_version(name: str, version: Number, store: StoreDep, caller: CallerDep) -> Lineage:
    """Lineage of a version: data set with digest, recipe with seed, search, metrics, digest of the bundle."""
    found = _version(store, name, caller.tenant, version)
    job = store.job(found.job_id)
    return Lineage.of(found, job, store.dataset(job.dataset_id, job.data_version))


@router.delete("/versions/{version}", openapi_extra=policy(Scope.MODELS))
def delete_version(name: str, version: Number, parts: PartsDep, caller: CallerDep, models: RegistryDep) -> DeletedPublic:
    """Delete a version and its bundle; refused with 409 if it answers, is a canary or a shadow, or has an alias. Its number is not given
    again, and its search stays. Every process stops answering by it within a second."""
    _version(parts.store, name, caller.tenant, version)
    gone = parts.deletions.version(caller.tenant, name, version, _answering(models, name))
    parts.registry.forget(name, caller.tenant, version)
    return DeletedPublic.of(f"{name}/{version}", parts.maintenance.remove(gone))


@router.get("/aliases", openapi_extra=reading())
def list_aliases(name: str, parts: PartsDep, caller: CallerDep) -> AliasesPublic:
    """The model's aliases. `champion` serves requests; without it the newest version does that is no candidate."""
    versions_of(parts.store, name, caller.tenant)
    return AliasesPublic(aliases=tuple(map(AliasPublic.of, parts.aliases.of_model(caller.tenant, name))))


@router.get("/aliases/{alias}", openapi_extra=reading())
def read_alias(name: str, alias: AliasName, response: Response, parts: PartsDep, caller: CallerDep) -> AliasPublic:
    """One alias. A change sends its `ETag` as `If-Match`."""
    found = parts.aliases.get(AliasRef(caller.tenant, name, alias))
    response.headers["ETag"] = etag(found.revision)
    return AliasPublic.of(found)


@router.put("/aliases/{alias}", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
def put_alias(
    name: str,
    alias: AliasName,
    body: AliasPut,
    response: Response,
    parts: PartsDep,
    caller: CallerDep,
    models: RegistryDep,
    if_match: IfMatchDep = None,
    if_none_match: IfNoneMatchDep = None,
) -> AliasPublic:
    """Point an alias at a version, which must load and reproduce its golden rows."""
    expected = expected_revision(if_match, if_none_match)
    _check_loads(models, parts.store, name, body.version)
    found = parts.aliases.put(AliasRef(caller.tenant, name, alias, caller.name, body.reason), body.version, expected)
    response.headers["ETag"] = etag(found.revision)
    _bring_in(models, name)
    return AliasPublic.of(found)


@router.delete("/aliases/{alias}", openapi_extra=policy(Scope.MODELS))
def delete_alias(
    name: str, alias: AliasName, parts: PartsDep, caller: CallerDep, reason: ReasonDep = "", if_match: IfMatchDep = None
) -> DeletedPublic:
    """Delete an alias; its version and its history stay. Refused with 409 for `champion`, by which a version answers."""
    expected = ANY if if_match is None else expected_revision(if_match)
    parts.aliases.delete(AliasRef(caller.tenant, name, alias, caller.name, reason), expected)
    return DeletedPublic(deleted=f"{name}/{alias}", bytes=0)


@router.get("/aliases/{alias}/history", openapi_extra=reading())
def read_history(
    name: str, alias: AliasName, parts: PartsDep, caller: CallerDep, cursor: CursorDep = None, limit: LimitDep = 50
) -> AliasChangesPublic:
    """History of an alias, newest change first."""
    ref = AliasRef(caller.tenant, name, alias)
    parts.aliases.get(ref)
    return AliasChangesPublic.of(parts.aliases.history(ref, cursor, limit), limit)


@router.post("/promote", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
def promote(
    name: str, body: PromotionOf, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep, if_match: IfMatchDep = None
) -> AliasPublic:
    """Make a version the champion after it has loaded and reproduced its golden rows; requests in flight end on the former champion.

    The gates that it failed are told as a `warning`, or with `require_gates` refuse it with 409.
    """
    expected = ANY if if_match is None else expected_revision(if_match)
    _check_loads(models, parts.store, name, body.version)
    warning = _failed_gates(_version(parts.store, name, caller.tenant, body.version), body.require_gates)
    found = parts.aliases.put(AliasRef(caller.tenant, name, CHAMPION, caller.name, body.reason), body.version, expected)
    response.headers["ETag"] = etag(found.revision)
    _bring_in(models, name)
    return AliasPublic.of(found, warning)


@router.post("/rollback", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
def roll_back(
    name: str, body: Rollback, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep, if_match: IfMatchDep = None
) -> AliasPublic:
    """Return to the former champion; a second call goes one version further back.

    If nothing was promoted before, that is the version below the one that serves. `to` names a version, which must load and reproduce its
    golden rows, or `none`: requests are answered with 409 until a version is promoted.
    """
    expected = ANY if if_match is None else expected_revision(if_match)
    versions = versions_of(parts.store, name, caller.tenant)
    ref = AliasRef(caller.tenant, name, CHAMPION, caller.name, body.reason)
    if body.to is None:
        found = parts.aliases.roll_back(ref, expected, _below(models, name, versions))
    elif body.to == "none":
        found = parts.aliases.roll_back_to(ref, NONE, expected)
    else:
        _check_loads(models, parts.store, name, body.to, "/to")
        found = parts.aliases.roll_back_to(ref, body.to, expected)
    response.headers["ETag"] = etag(found.revision)
    _bring_in(models, name)
    return AliasPublic.of(found)


@router.get("/traffic", openapi_extra=reading())
def read_traffic(name: str, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep) -> TrafficPublic:
    """The model's traffic split. A change sends its `ETag` as `If-Match`."""
    versions_of(parts.store, name, caller.tenant)
    return _traffic(parts.plans.get(caller.tenant, name), response, models)


@router.put("/traffic", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
def put_traffic(
    name: str,
    body: TrafficPlan,
    response: Response,
    parts: PartsDep,
    caller: CallerDep,
    models: RegistryDep,
    if_match: IfMatchDep = None,
) -> TrafficPublic:
    """Send a share of the requests to each canary, and copies of requests to shadow versions; all of them are loaded first.

    Shares that do not shrink keep whom they had. What canaries earn is counted anew from every change on; see `experiment`.
    """
    expected = expected_revision(if_match)
    for pointer, version in _named(body):
        _check_loads(models, parts.store, name, version, pointer)
    _check_groups(models, name, body)
    traffic = parts.plans.put(Traffic(caller.tenant, name, 0, body, caller.name, 0.0), expected)
    _bring_in(models, name)
    return _traffic(traffic, response, models)


def _traffic(traffic: Traffic, response: Response, models: TenantModels) -> TrafficPublic:
    response.headers["ETag"] = etag(traffic.revision)
    return TrafficPublic.of(traffic, models.split(traffic.model))


def _named(plan: TrafficPlan) -> list[tuple[str, int]]:
    found = [(f"{_pointer(plan, index)}/version", one.version) for index, one in enumerate(plan.canaries)]
    found += [] if plan.interleave is None else [("/interleave/version", plan.interleave.version)]
    return found + [(f"/shadows/{index}", version) for index, version in enumerate(plan.shadows)]


def _pointer(plan: TrafficPlan, index: int) -> str:
    """Where a canary is in the request."""
    return "/canary" if len(plan.canaries) == 1 else f"/canaries/{index}"


def _check_groups(models: TenantModels, name: str, plan: TrafficPlan) -> None:
    """Refuse groups that the champion does not have."""
    named = [(f"{_pointer(plan, index)}/groups", one.groups) for index, one in enumerate(plan.canaries)]
    named.append(("/shadow_groups", plan.shadow_groups))
    if not any(groups for _, groups in named):
        return
    routed = models.renew(name).champion.recommender.groups
    count = 0 if routed is None else routed.num_groups
    for pointer, groups in named:
        wrong = [group for group in groups if group >= count]
        if wrong:
            law = f"Groups must be among the {count} of the champion of model {name!r}, numbered from 0"
            raise RequestError(f"{law}, but got {wrong}. Leave them out to mean all requests.", pointer)


def _version(store: JobStore, name: str, tenant: str, version: int) -> ModelVersion:
    for one in versions_of(store, name, tenant):
        if one.version == version:
            return one
    raise UnknownIdError(f"Model {name!r} has no version {version}.")


def _check_loads(models: TenantModels, store: JobStore, name: str, version: int, pointer: str = "/version") -> None:
    """Refuse a version that does not exist or does not reproduce its golden rows."""
    known = versions_of(store, name, models.tenant)
    if all(one.version != version for one in known):
        raise RequestError(f"Model {name!r} has no version {version}; its newest is {known[0].version}.", pointer)
    try:
        degraded = models.get(name, version).degraded
    except BundleError as error:
        raise ConflictError(f"{error} What answers stays as it is.") from error
    if degraded:
        found = " ".join(f"Group {group}: {reason}" for group, reason in degraded.items())
        raise ConflictError(f"Version {version} of model {name!r} has groups whose own model fails. {found} What answers stays as it is.")


def _failed_gates(version: ModelVersion, required: bool) -> str | None:
    """The gates that a version failed, in words; None where it failed none.

    Raises:
        ConflictError: they are required, and it failed some or none were evaluated.
    """
    gates = () if version.gates is None else version.gates["gates"]
    failed = [f"{gate['name']}: {gate['detail']}" for gate in gates if not gate["passed"]]
    told = f"Version {version.version} of model {version.name!r} failed gates. {' '.join(failed)}" if failed else None
    if required and told is None and version.gates is None:
        told = f"No gates were evaluated when version {version.version} of model {version.name!r} was registered."
    if required and told is not None:
        raise ConflictError(f"{told} What answers stays as it is; without `require_gates` it is promoted all the same.")
    return told


def _below(models: TenantModels, name: str, versions: list[ModelVersion]) -> int | None:
    """The newest version below the one that serves, without candidates; if none can be loaded, the newest of all counts as serving, and if
    none is to serve, the newest is meant."""
    live = [one.version for one in versions if not one.candidate]
    try:
        now = models.renew(name).champion.version.version
    except NoVersionServesError:
        return next(iter(live), None)
    except BundleError:
        now = next(iter(live), 0)
    return next((version for version in live if version < now), None)


def _answering(models: TenantModels, name: str) -> int | None:
    """The version that answers in this process; None where none can be loaded."""
    try:
        return models.renew(name).champion.version.version
    except (BundleError, NoVersionServesError):
        return None


def _bring_in(models: TenantModels, name: str) -> None:
    """Apply the change in this process at once; other processes follow within a second."""
    try:
        models.renew(name)
    except (BundleError, NoVersionServesError):
        return
