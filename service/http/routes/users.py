"""Known users: fields that change without a new model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from ihas.errors import RequestError
from ihas.serving.capabilities import RowModel
from ihas_service.auth.scopes import Scope
from ihas_service.datasets.event_intake import unfit
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http import id_paths
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, PartsDep, json_only, versions_of
from ihas_service.http.policy import MANY_VALUES, MIB, policy, reading
from ihas_service.http.put_fields import kept_fields, named_once, stated_id
from ihas_service.http.schemas.users import UserDeleted, UserPublic, UserPut, UsersPublic, UsersPut
from ihas_service.storage.contexts import MAX_USER
from ihas_service.storage.put_fields import NOTHING

id_paths.install()
router = APIRouter(prefix="/v1/models/{name}/users", tags=["models"], route_class=JsonRoute)
UserDep = Annotated[str, Path(min_length=1, max_length=MAX_USER, description="The user, as the field of users spells it.")]


@router.get("", openapi_extra=reading(Scope.DATA))
def count_users(name: str, parts: PartsDep, caller: CallerDep) -> UsersPublic:
    """How many users of the model have fields that were put."""
    versions_of(parts.store, name, caller.tenant)
    found = parts.profiles.sums((caller.tenant, name)).get((caller.tenant, name), NOTHING)
    return UsersPublic(users=found.count, bytes=found.bytes)


@router.put("", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA, max_body=MIB, max_values=MANY_VALUES))
def put_users(name: str, body: UsersPut, parts: PartsDep, caller: CallerDep) -> UsersPublic:
    """Put the fields of up to 1,000 users, all of them or none; others stay. Requests get them at once, in other processes within a
    second."""
    model, found = _model(parts, caller.tenant, name), dict[str, Mapping[str, Any]]()
    for place, one in enumerate(body.users):
        user = stated_id("user", one.user, f"/users/{place}/user")
        named_once("user", user, found, f"/users/{place}/user")
        found[user] = _fields(model, one.fields, f"/users/{place}/fields")
    parts.profiles.put((caller.tenant, name), found)
    parts.known_users.refresh()
    return count_users(name, parts, caller)


@router.get("/{user:id}", openapi_extra=reading(Scope.DATA))
def read_user(name: str, user: UserDep, parts: PartsDep, caller: CallerDep) -> UserPublic:
    """Fields of a user that were put."""
    versions_of(parts.store, name, caller.tenant)
    named = stated_id("user", user)
    return UserPublic(user=named, fields=dict(parts.profiles.get((caller.tenant, name), named)))


@router.put("/{user:id}", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA))
def put_user(name: str, user: UserDep, body: UserPut, parts: PartsDep, caller: CallerDep) -> UserPublic:
    """Put the fields of a user, in the place of those that were put before. Requests that leave one of them out get it: before what the
    bundle knows, and without a new model."""
    model = _model(parts, caller.tenant, name)
    named, fields = stated_id("user", user), _fields(model, body.fields, "/fields")
    parts.profiles.put((caller.tenant, name), {named: fields})
    parts.known_users.refresh()
    return UserPublic(user=named, fields=dict(fields))


@router.delete("/{user:id}", openapi_extra=policy(Scope.DATA))
def delete_user(name: str, user: UserDep, parts: PartsDep, caller: CallerDep) -> UserDeleted:
    """Forget the fields that were put of a user, and which items of kept events the user has clicked. What the bundle knows goes with the
    bundle."""
    versions_of(parts.store, name, caller.tenant)
    named = stated_id("user", user)
    fields = parts.profiles.delete((caller.tenant, name), named)
    clicks = parts.seen_items.forget(caller.tenant, name, named)
    if not fields and not clicks:
        raise UnknownIdError(f"Nothing is kept of user {named[:80]!r} beside model {name!r}.")
    parts.known_users.refresh()
    return UserDeleted(deleted=f"{name}/{named}", fields=fields, clicks=clicks)


def _model(parts: AppState, tenant: str, name: str) -> RowModel:
    """The rows of the version that serves.

    Raises:
        UnknownIdError: there is no such model.
        ConflictError: it knows no users.
    """
    model = parts.registry.get(name, None, tenant).recommender.rows
    if model is None or model.schema.user_id is None:
        raise ConflictError(f"Model {name!r} knows no users. Set `columns.user_id` and train it again.")
    return model


def _fields(model: RowModel, fields: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
    """Fields that requests may leave out.

    Raises:
        RequestError: they are no context of the model, too large, or name the user.
    """
    if model.schema.user_id in fields:
        raise RequestError(f"`fields` must not hold `{model.schema.user_id}`, which names the user. Leave it out.", pointer)
    reason = unfit(model, fields)
    if reason is not None:
        raise RequestError(reason.replace("`context`", "`fields`"), pointer)
    return kept_fields(fields, pointer)
