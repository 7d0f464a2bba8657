"""Keys of the caller's tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope
from ihas_service.auth.tokens import new_key
from ihas_service.errors import ConflictError, ScopeError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, PartsDep, json_only
from ihas_service.http.policy import policy, reading
from ihas_service.http.schemas.keys import KeyCreate, KeyCreated, KeyPublic, KeyRotate, KeysPublic

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=JsonRoute)
KeyId = Annotated[str, Path(max_length=64)]


@router.post("", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.ADMIN))
def create_key(body: KeyCreate, parts: PartsDep, caller: CallerDep) -> KeyCreated:
    """Create a key for the caller's tenant; its text is shown only once. A key cannot have scopes that the caller lacks."""
    _check_grants(body.scopes, caller)
    text, key = new_key(caller.tenant, body.name, body.scopes, body.expires_in_s)
    return KeyCreated.with_text(parts.keys.add(key), text)


@router.get("", openapi_extra=reading(Scope.ADMIN))
def list_keys(parts: PartsDep, caller: CallerDep) -> KeysPublic:
    """The tenant's keys, newest first, without their text."""
    return KeysPublic(keys=tuple(map(KeyPublic.of, parts.keys.of_tenant(caller.tenant))))


@router.post("/{key_id}/rotate", status_code=201, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.ADMIN))
def rotate_key(key_id: KeyId, body: KeyRotate, parts: PartsDep, caller: CallerDep) -> KeyCreated:
    """Create a key that may do the same, and let the old one end after `grace_s`; refused with 409 if it has ended."""
    old = parts.keys.find(key_id)
    if old is None or old.tenant != caller.tenant:
        raise UnknownIdError(f"There is no key {key_id!r}.")
    scopes = tuple(map(Scope, old.scopes))
    _check_grants(scopes, caller)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= parts.keys.now()):
        raise ConflictError(f"Key {key_id} has ended and is not rotated. Create a key (`POST /v1/keys`).")
    text, key = new_key(caller.tenant, old.name, scopes, body.expires_in_s)
    created = parts.keys.add(key)
    parts.keys.expire(key_id, caller.tenant, body.grace_s)
    return KeyCreated.with_text(created, text)


@router.delete("/{key_id}", openapi_extra=policy(Scope.ADMIN))
def revoke_key(key_id: KeyId, parts: PartsDep, caller: CallerDep) -> KeyPublic:
    """End a key. Processes that know it forget it within `IHAS_KEY_CACHE_S`."""
    return KeyPublic.of(parts.keys.revoke(key_id, caller.tenant))


def _check_grants(scopes: tuple[Scope, ...], caller: Caller) -> None:
    missing = sorted(set(scopes) - caller.scopes)
    if missing:
        raise ScopeError(f"A key may grant only what it may do itself, and this one may not: {', '.join(missing)}.")
