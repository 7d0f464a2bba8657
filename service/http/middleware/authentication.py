"""Authentication: finds the caller of a request before any route runs, from memory where that is possible."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from functools import partial
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from ihas.errors import IhasError
from ihas_service.auth import tokens
from ihas_service.auth.caller import LOCAL_CALLER, NOBODY, Caller
from ihas_service.auth.exposure import LOOPBACK_NAMES, is_loopback
from ihas_service.auth.oidc import Provider
from ihas_service.auth.rates import Rates
from ihas_service.auth.scopes import Scope as Right
from ihas_service.auth.shared_rates import SharedRates
from ihas_service.errors import NoKeyError, ScopeError
from ihas_service.http.policy import RoutePolicy
from ihas_service.http.problems import database_problem, known_problem
from ihas_service.settings import Settings
from ihas_service.storage.keys import Keys

MAX_KNOWN = 10_000
WRONG = "The request needs a valid key: `Authorization: Bearer ihas_...`. Ask the operator of the service for one."
LOG = structlog.get_logger(__name__)


class AuthenticationMiddleware:
    """Puts the caller into `scope["state"]["caller"]`, or refuses the request (ASGI), by the policy in `scope["state"]["policy"]`.

    A key that was found is cached for `key_cache_s`, and a revoked one is refused after that.
    """

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keys, rates: SharedRates) -> None:
        self._app, self._settings, self._keys = app, settings, keys
        self._known: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._rates, self._bad = rates, Rates(settings.max_bad_keys_per_minute)
        self._provider = None if settings.oidc_jwks_url is None else Provider(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope["state"]["caller"] = await self._admit(scope)
        except IhasError as error:
            await known_problem(scope, error)(scope, receive, send)
            return
        except SQLAlchemyError as error:
            await database_problem(scope, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> Caller:
        if self._settings.access == "local":
            check_local(scope)
            return LOCAL_CALLER
        route: RoutePolicy = scope["state"]["policy"]
        if route.scope is None:
            return NOBODY
        caller = await self._caller(scope)
        scope["state"]["recheck"] = partial(self._caller, scope)
        self._rates.hit(f"{caller.tenant}\0{caller.name}")  # a subject of a provider may have a name in several tenants
        if route.scope not in caller.scopes:
            raise ScopeError(f"This needs the scope `{route.scope}`, but the key has {_listed(caller)}. Use another key.")
        return caller

    async def _caller(self, scope: Scope) -> Caller:
        token = _token(scope)
        if token is None:
            raise NoKeyError(WRONG)
        digest = hashlib.sha256(token).digest()
        caller, until = self._known.get(digest, (NOBODY, 0.0))
        if time.monotonic() < until:
            return caller
        try:
            caller, lasts_s = await run_in_threadpool(self._look_up, token.decode("latin-1"))
        except NoKeyError:
            self._known.pop(digest, None)
            self._bad.hit(str((scope.get("client") or ("unknown",))[0]))  # failures alone: who shares an address with a guesser comes in
            raise
        self._remember(digest, caller, min(lasts_s, self._settings.key_cache_s))
        return caller

    def _look_up(self, text: str) -> tuple[Caller, float]:
        """Caller of a key, and seconds for which it stays valid."""
        key_id = tokens.key_id(text)
        if key_id is None:
            if self._provider is not None and text.count(".") == 2:
                return self._provider.caller(text)
            raise NoKeyError(WRONG)
        key, digest = self._keys.find(key_id), tokens.digest(text)
        if not hmac.compare_digest(digest, key.digest if key else tokens.digest("")) or key is None or key.revoked_at is not None:
            raise NoKeyError(WRONG)
        lasts_s = float("inf") if key.expires_at is None else key.expires_at - self._keys.now()
        if lasts_s <= 0.0:
            raise NoKeyError(WRONG)
        return Caller(key.tenant, f"key:{key.id}", frozenset(map(Right, key.scopes))), lasts_s

    def _remember(self, digest: bytes, caller: Caller, lasts_s: float) -> None:
        self._known[digest] = (caller, time.monotonic() + lasts_s)
        self._known.move_to_end(digest)
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def _token(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return bytes(value)
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:]).strip()
    return None


def check_local(scope: Scope) -> None:
    """Refuse what a page of another site makes a person's browser send: a host name of its own, or its origin."""
    host = origin = b""
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
    if host and not _is_here(host):
        raise ScopeError("Without keys the service accepts loopback host names only: 127.0.0.1, ::1 or localhost. Set IHAS_ACCESS=keys.")
    if origin and _host_of(origin.decode("latin-1"))[0].encode("latin-1") != host:
        raise ScopeError("Without keys the service refuses requests of pages of another origin. Set IHAS_ACCESS=keys.")


def _is_here(host: bytes) -> bool:
    if host.rpartition(b":")[0] in LOOPBACK_NAMES or host in LOOPBACK_NAMES:
        return True
    name = _host_of(f"//{host.decode('latin-1')}")[1]
    return name is not None and is_loopback(name)


def _host_of(url: str) -> tuple[str, str | None]:
    """Host with port and host's name of a URL; nothing of one that is none, such as `http://[::1`."""
    try:
        parts = urlsplit(url)
        return parts.netloc, parts.hostname
    except ValueError:
        return "", None


def _listed(caller: Caller) -> str:
    return ", ".join(f"`{scope}`" for scope in sorted(caller.scopes)) or "none"
