"""Versions made from other versions without a search: interactions added to an OverRec model, a cold-start model added to a trained one."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import AliasChoices, FailFast, Field

from ihas.bundle.compound import write_compound
from ihas.config.base import Config
from ihas.data.cells import cell_text
from ihas.errors import RequestError
from ihas.serving.loading import COLD_START
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, NoVersionServesError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, PartsDep, RegistryDep, json_only
from ihas_service.http.policy import MANY_VALUES, MIB, policy
from ihas_service.http.schemas.searches import ModelVersionPublic, Name
from ihas_service.jobs.runs import bundle_facts, derived_folder
from ihas_service.models.tenant_models import TenantModels
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.catalogue import ModelVersion, NewBundle
from ihas_service.storage.traffic import VersionNumber

router = APIRouter(prefix="/v1/models/{name}", tags=["models"], route_class=JsonRoute)
MAX_INTERACTIONS = 100_000
Text = Annotated[str | int | float, Field(union_mode="left_to_right")]


class Interaction(Config):
    """One interaction of a user with an item."""

    user: Text
    """The user."""
    item: Text
    """The item."""


class InteractionsAdded(Config):
    """Interactions to append to those of a model."""

    interactions: Annotated[tuple[Interaction, ...], Field(min_length=1, max_length=MAX_INTERACTIONS), FailFast()]
    """Oldest first."""
    version: VersionNumber | None = None
    """Version to append to; must be the newest, so that no addition is lost. The newest by default."""


class ColdStartPut(Config):
    """Cold-start model to add to the model of the path."""

    cold_start_model: str = Field(validation_alias=AliasChoices("cold_start_model", "front"))
    """An OverRec model, which answers from histories for users whom the model of the path does not know."""
    cold_start_version: VersionNumber | None = Field(default=None, validation_alias=AliasChoices("cold_start_version", "front_version"))
    """Its version; the newest without it."""
    version: VersionNumber | None = None
    """Version of the model of the path; the newest without it."""
    user_field: str = "user"
    """Field of that model which names the user."""
    register_as: Name
    """Name of the resulting model; an existing name gets its next version."""


@router.post(
    "/interactions",
    status_code=201,
    dependencies=[Depends(json_only)],
    openapi_extra=policy(Scope.MODELS, max_body=8 * MIB, max_values=MANY_VALUES),
)
def add_interactions(
    name: str, body: InteractionsAdded, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep
) -> ModelVersionPublic:
    """Append interactions to an OverRec model, without training; the result is its next version."""
    base = numbered_version(parts.store.versions(name, caller.tenant), name, body.version)
    held = models.get(name, base.version).recommender.interactions
    if held is None:
        raise ConflictError(f"Version {base.version} of model {name!r} holds no histories that could be added to. Run a search instead.")
    pairs = [(cell_text(one.user) or "", cell_text(one.item) or "") for one in body.interactions]
    write = held.with_interactions(name, pairs, {"interactions": len(pairs), "to_version": base.version})
    words = f"{len(pairs):,} interactions were added to version {base.version}."
    made = registered_version(parts, (base, name, base.version), words, write)
    return answered(made, response, models)


@router.post("/cold-start", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
@router.post("/front", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS), deprecated=True)
def add_cold_start_model(
    name: str, body: ColdStartPut, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep
) -> ModelVersionPublic:
    """Add a cold-start model to a trained one: histories answer for users whom the trained model does not know.

    `/front` is the name that this route had in version 0.1.0; it goes with version 0.3.0.
    """
    base = numbered_version(parts.store.versions(name, caller.tenant), name, body.version)
    other = _cold_start_version(parts.store.versions(body.cold_start_model, caller.tenant), body)
    _check_cold_start(models, base, other, body.user_field)
    artefacts = Artefacts(parts.settings.folder, parts.settings.artefacts_url)
    folders = {"model": _bundle(artefacts, base), "front": _bundle(artefacts, other)}
    words = f"Version {other.version} of {body.cold_start_model} is the cold-start model of version {base.version} of {name}."
    options = {"user_field": body.user_field}
    of = (base, body.register_as, None)
    made = registered_version(parts, of, words, lambda folder: write_compound(COLD_START, body.register_as, options, folders, folder))
    return answered(made, response, models)


def _bundle(artefacts: Artefacts, version: ModelVersion) -> Path:
    return artefacts.local(version.path, version.facts.get("manifest_sha256"))


def _check_cold_start(models: TenantModels, base: ModelVersion, other: ModelVersion, user_field: str) -> None:
    """Refuse two models that do not fit each other."""
    trained = models.get(base.name, base.version).recommender.table
    if trained is None:
        law = "A cold-start model is added to a model of a table"
        raise ConflictError(f"{law}, but version {base.version} of {base.name!r} is none. Name a model of a search with `learning`.")
    if models.get(other.name, other.version).recommender.cold_start is None:
        law = f"The cold-start model must be an OverRec model, but version {other.version} of {other.name!r} is none"
        raise RequestError(f"{law}. Name another one.", "/cold_start_model")
    known = trained.context_fields
    if user_field not in known:
        law = f"`user_field` must name a context field of the model, but got {user_field!r}; there are {', '.join(known)}."
        raise RequestError(law, "/user_field")


def registered_version(
    parts: AppState,
    of: tuple[ModelVersion, str, int | None],
    words: str,
    write: Callable[[Path], None],
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> ModelVersion:
    """Write a bundle, try it, and register it; if one of the three fails, nothing is kept.

    Args:
        parts: of the application.
        of: version that it came of, name of the model, number that must be the name's highest before.
        words: how it came to be, for a person.
        write: writes the bundle.
        facts: what else is known of it.

    Raises:
        ConflictError: another number is the highest.
        BundleError: it did not pass its first load.
        QuotaError: the tenant would keep more bytes than it may.
    """
    base, name, expected = of
    path = derived_folder(parts.settings.folder.resolve(), f"dv_{secrets.token_hex(12)}")
    try:
        path.parent.mkdir(parents=True)
        write(path)
        parts.first_load(path)
        relative = path.relative_to(parts.settings.folder.resolve()).as_posix()
        Artefacts(parts.settings.folder, parts.settings.artefacts_url).publish(relative)
        bundle = NewBundle(relative, {**bundle_facts(path), **facts})
        found = parts.store.register(base, name, bundle, words, expected, parts.settings.max_search_bytes_per_tenant)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    return found


def answered(made: ModelVersion, response: Response, models: TenantModels) -> ModelVersionPublic:
    """The answer that names a version which came of another one."""
    response.headers["Location"] = f"/v1/models/{made.name}/versions/{made.version}"
    with suppress(NoVersionServesError):
        models.renew(made.name)
    return ModelVersionPublic.of(made)


def numbered_version(versions: Sequence[ModelVersion], name: str, number: int | None) -> ModelVersion:
    """The version of this number among all of a name, newest first; the newest without one.

    Raises:
        UnknownIdError: there is none at all.
        RequestError: there is none of this number.
    """
    if not versions:
        raise UnknownIdError(f"There is no model {name!r}.")
    found = versions[0] if number is None else next((one for one in versions if one.version == number), None)
    if found is None:
        raise RequestError(f"Model {name!r} has no version {number}; its newest is {versions[0].version}.", "/version")
    return found


def _cold_start_version(versions: Sequence[ModelVersion], body: ColdStartPut) -> ModelVersion:
    if not versions:
        raise RequestError(f"There is no model {body.cold_start_model!r}. `GET /v1/models` lists them.", "/cold_start_model")
    try:
        return numbered_version(versions, body.cold_start_model, body.cold_start_version)
    except RequestError as error:
        raise RequestError(str(error), "/cold_start_version") from None
