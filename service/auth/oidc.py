"""Bearer tokens of an OpenID provider, checked against its published keys (JWKS)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt

from service.auth.caller import Caller
from service.auth.scopes import OF_A_TENANT
from service.errors import NoKeyError, ProviderError
from service.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA")
LEEWAY_S = 30.0
FETCH_S = 5


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
        except jwt.PyJWTError as error:
            raise NoKeyError(f"The token is not valid here: {error}.") from error
        return _caller(claims, asked.oidc_tenant_claim), float(claims["exp"]) - time.time()


def _caller(claims: Mapping[str, Any], tenant_claim: str) -> Caller:
    tenant, said = claims.get(tenant_claim), claims.get("scope", "")
    if not isinstance(tenant, str) or not tenant:
        raise NoKeyError(f"The token must name its tenant in the claim {tenant_claim!r}, but does not.")
    granted = said.split() if isinstance(said, str) else [str(part) for part in said]
    scopes = frozenset(scope for scope in OF_A_TENANT if scope in granted or f"ihas:{scope}" in granted)
    return Caller(tenant, f"oidc:{claims['sub']}", scopes)
