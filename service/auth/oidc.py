"""Bearer tokens of an OpenID provider, checked against its published keys (JWKS)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import jwt

from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import OF_A_TENANT
from ihas_service.errors import NoKeyError, ProviderError
from ihas_service.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA")
LEEWAY_S = 30.0
FETCH_S = 5
FAR_S = 2.0**40
"""A moment, in seconds since 1970, after which tokens may end as late as they like."""
MAX_NAME = 255
NAME = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_NAME}}}")


class Provider:
    """One OpenID provider."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = jwt.PyJWKClient(str(settings.oidc_jwks_url), cache_keys=True, timeout=FETCH_S)

    def caller(self, token: str) -> tuple[Caller, float]:
        """Who a token stands for, and for how many seconds from now.

        Raises:
            ProviderError: the provider's keys cannot be fetched.
            NoKeyError: it is not signed by the provider for this service, has ended, or names no tenant.
        """
        asked = self._settings
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=asked.oidc_audience,
                issuer=asked.oidc_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise ProviderError("The identity provider is out of reach, and no token can be checked. Try again, or use a key.") from error
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise NoKeyError(f"The token is not valid here: {type(error).__name__}.") from error
        return _caller(claims, asked.oidc_tenant_claim), _lasts_s(claims["exp"])


def _lasts_s(ends_at: float) -> float:
    """Seconds from now to a moment, however far that is."""
    return min(ends_at, FAR_S) - time.time()


def _caller(claims: Mapping[str, Any], tenant_claim: str) -> Caller:
    tenant, subject = claims.get(tenant_claim), claims.get("sub")
    for claim, value in ((tenant_claim, tenant), ("sub", subject)):
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise NoKeyError(f"The token must have a name of 1 to {MAX_NAME} printable characters in the claim {claim!r}, but has none.")
    granted = _granted(claims.get("scope"))
    scopes = frozenset(scope for scope in OF_A_TENANT if scope in granted or f"ihas:{scope}" in granted)
    return Caller(str(tenant), f"oidc:{subject}", scopes)


def _granted(said: object) -> frozenset[str]:
    """Scopes that a token names: words of a text, or a list of texts; none in anything else."""
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else ()
    return frozenset(word for word in words if isinstance(word, str))
