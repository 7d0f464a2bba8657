"""How a person signs in with a browser."""

from __future__ import annotations

from typing import Literal, Self

from ihas.config.base import Config
from ihas_service.settings import Settings


class ProviderPublic(Config):
    """An OpenID provider at which a browser signs in: authorization code with PKCE, as a public client."""

    issuer: str
    """Who signs the tokens."""
    authorize_url: str
    """Where the browser goes."""
    token_url: str
    """Where it gets a token for the code with which it comes back."""
    client_id: str
    """Under which the provider knows the dashboard."""
    scope: str
    """What is asked for."""


class SignInPublic(Config):
    """What the service asks of a person who comes without a key."""

    access: Literal["local", "keys"]
    """`local`: nothing; `keys`: a key or a token."""
    provider: ProviderPublic | None
    """The provider; absent where there is none to sign in at."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        asked = (settings.oidc_issuer, settings.oidc_authorize_url, settings.oidc_token_url, settings.oidc_client_id)
        if settings.access != "keys" or settings.oidc_jwks_url is None or None in asked:
            return cls(access=settings.access, provider=None)
        names = ("issuer", "authorize_url", "token_url", "client_id", "scope")
        return cls(access="keys", provider=ProviderPublic(**{name: getattr(settings, f"oidc_{name}") for name in names}))
