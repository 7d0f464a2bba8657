"""Versions that come of other versions without a search: more interactions behind an OverRec model's, histories before a trained one."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import FailFast, Field

from ihas.bundle.compound import write_compound
from ihas.config.base import Config
from ihas.data.cells import cell_text
from ihas.errors import RequestError
from ihas.serving.loading import COLD_START
from service.auth.scopes import Scope
from service.errors import ConflictError, UnknownIdError
from service.http.bodies import JsonRoute
from service.http.dependencies import AppState, CallerDep, PartsDep, RegistryDep, json_only
from service.http.policy import MANY_VALUES, MIB, policy
from service.http.schemas.searches import ModelVersionPublic, Name
from service.jobs.runs import bundle_facts, derived_folder
from service.models.registry import TenantModels
from service.storage.bundle_store import Artefacts
from service.storage.catalogue import ModelVersion
from service.storage.traffic import VersionNumber

router = APIRouter(prefix="/v1/models/{name}", tags=["models"], route_class=JsonRoute)
MAX_INTERACTIONS = 100_000
Text = Annotated[str | int | float, Field(union_mode="left_to_right")]


class Interaction(Config):
    """Somebody took something."""

    user: Text
    """Who."""
    item: Text
    """What."""


class InteractionsAdded(Config):
    """Interactions to put behind those that a model has."""

    interactions: Annotated[tuple[Interaction, ...], Field(min_length=1, max_length=MAX_INTERACTIONS), FailFast()]
    """Oldest first."""
    version: VersionNumber | None = None
    """The version that is added to; it must be the newest, so that nobody's additions are lost. Without it, the newest now."""


class FrontPut(Config):
    """Histories to put in front of the model of the path."""

    front: str
    """An OverRec model; answers from histories for users whom the other model does not know."""
    front_version: VersionNumber | None = None
    """Its version; the newest without it."""
    version: VersionNumber | None = None
    """Version of the model of the path; the newest without it."""
    user_field: str = "user"
    """Field of that model which names the user."""
    register_as: Name
    """Name of the model that comes out; one that exists gets another version."""


@router.post(
    "/interactions",
    status_code=201,
    dependencies=[Depends(json_only)],
    openapi_extra=policy(Scope.MODELS, max_body=8 * MIB, max_values=MANY_VALUES),
)
def add_interactions(
    name: str, body: InteractionsAdded, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep
) -> ModelVersionPublic:
    """Put interactions behind those of an OverRec model; the result is its next version, of which nothing is trained."""
    base = _version(parts.store.versions(name, caller.tenant), name, body.version)
    held = models.get(name, base.version).recommender.interactions
    if held is None:
        raise ConflictError(f"Version {base.version} of model {name!r} holds no histories that could be added to. Run a search instead.")
    pairs = [(cell_text(one.user) or "", cell_text(one.item) or "") for one in body.interactions]
    write = held.with_interactions(name, pairs, {"interactions": len(pairs), "to_version": base.version})
    words = f"{len(pairs):,} interactions were added to version {base.version}."
    made = _registered(parts, (base, name, base.version), words, write)
    return _answer(made, response, models)


@router.post("/front", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.MODELS))
def put_front(name: str, body: FrontPut, response: Response, parts: PartsDep, caller: CallerDep, models: RegistryDep) -> ModelVersionPublic:
    """Put an OverRec model in front of a trained one: histories answer for users whom that does not know."""
    base = _version(parts.store.versions(name, caller.tenant), name, body.version)
    front = _named(parts.store.versions(body.front, caller.tenant), body)
    _check_front(models, base, front, body.user_field)
    artefacts = Artefacts(parts.settings.folder, parts.settings.artefacts_url)
    folders = {"model": artefacts.local(base.path), "front": artefacts.local(front.path)}
    words = f"Version {front.version} of {body.front} was put in front of version {base.version} of {name}."
    options = {"user_field": body.user_field}
    of = (base, body.register_as, None)
    made = _registered(parts, of, words, lambda folder: write_compound(COLD_START, body.register_as, options, folders, folder))
    return _answer(made, response, models)


def _check_front(models: TenantModels, base: ModelVersion, front: ModelVersion, user_field: str) -> None:
    """Refuse what cannot be put together."""
    trained = models.get(base.name, base.version).recommender.table
    if trained is None:
        raise ConflictError(f"Histories go in front of a trained model, but version {base.version} of {base.name!r} is none.")
    if models.get(front.name, front.version).recommender.cold_start is None:
        raise RequestError(f"In front there must be an OverRec model, but version {front.version} of {front.name!r} is none.", "/front")
    known = trained.context_fields
    if user_field not in known:
        law = f"`user_field` must name a context field of the model, but got {user_field!r}; there are {', '.join(known)}."
        raise RequestError(law, "/user_field")


def _registered(parts: AppState, of: tuple[ModelVersion, str, int | None], words: str, write: Callable[[Path], None]) -> ModelVersion:
    """Write a bundle and register it; where one of the two fails nothing is left."""
    base, name, expected = of
    path = derived_folder(parts.settings.folder.resolve(), f"dv_{secrets.token_hex(12)}")
    try:
        path.parent.mkdir(parents=True)
        write(path)
        relative = path.relative_to(parts.settings.folder.resolve()).as_posix()
        Artefacts(parts.settings.folder, parts.settings.artefacts_url).publish(relative)
        found = parts.store.register(base, name, relative, bundle_facts(path), words, expected)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    return found


def _answer(made: ModelVersion, response: Response, models: TenantModels) -> ModelVersionPublic:
    response.headers["Location"] = f"/v1/models/{made.name}/versions/{made.version}"
    models.renew(made.name)
    return ModelVersionPublic.of(made)


def _version(versions: Sequence[ModelVersion], name: str, number: int | None) -> ModelVersion:
    if not versions:
        raise UnknownIdError(f"There is no model {name!r}.")
    found = versions[0] if number is None else next((one for one in versions if one.version == number), None)
    if found is None:
        raise RequestError(f"Model {name!r} has no version {number}; its newest is {versions[0].version}.", "/version")
    return found


def _named(versions: Sequence[ModelVersion], body: FrontPut) -> ModelVersion:
    if not versions:
        raise RequestError(f"There is no model {body.front!r}.", "/front")
    try:
        return _version(versions, body.front, body.front_version)
    except RequestError as error:
        raise RequestError(str(error), "/front_version") from None
