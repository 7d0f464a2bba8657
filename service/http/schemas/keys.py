"""Requests and responses about keys."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from ihas.config.base import Config
from ihas_service.auth.scopes import Scope
from ihas_service.http.schemas.searches import Moment, moment
from ihas_service.storage.keys import Key

Lasting = Annotated[float, Field(gt=0.0, le=1e9, allow_inf_nan=False)]


class KeyCreate(Config):
    """A key to create."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Display name."""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    """Scopes of the key."""
    expires_in_s: Lasting | None = None
    """Seconds until the key expires; never by default."""


class KeyRotate(Config):
    """Rotation of a key."""

    grace_s: Annotated[float, Field(ge=0.0, le=1e9, allow_inf_nan=False)] = 86_400.0
    """Seconds for which the old key stays valid."""
    expires_in_s: Lasting | None = None
    """Seconds until the new key expires; never by default."""


class KeyPublic(Config):
    """A key, without its text."""

    id: str
    """Public part of its text."""
    name: str
    """Display name."""
    scopes: tuple[Scope, ...]
    """Scopes of the key."""
    created_at: Moment
    """Time of creation."""
    expires_at: Moment | None
    """Time of expiry."""
    revoked_at: Moment | None
    """Time of revocation."""

    @classmethod
    def of(cls, key: Key) -> Self:
        """The wire form of a key."""
        times = {name: moment(getattr(key, name)) for name in ("created_at", "expires_at", "revoked_at")}
        return cls(id=key.id, name=key.name, scopes=tuple(map(Scope, key.scopes)), **times)


class KeyCreated(KeyPublic):
    """A new key."""

    key: str
    """Text of the key, shown only once."""

    @classmethod
    def with_text(cls, key: Key, text: str) -> Self:
        """The wire form of a new key."""
        return cls(**dict(KeyPublic.of(key)), key=text)


class KeysPublic(Config):
    """A tenant's keys."""

    keys: tuple[KeyPublic, ...]
    """Newest first."""
