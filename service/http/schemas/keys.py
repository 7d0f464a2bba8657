"""What goes over the wire about keys, by role."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from ihas.config.base import Config
from service.auth.scopes import Scope
from service.http.schemas.searches import Moment, moment
from service.storage.keys import Key

Lasting = Annotated[float, Field(gt=0.0, le=1e9, allow_inf_nan=False)]


class KeyCreate(Config):
    """A key to create."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name for people."""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    """What it may do."""
    expires_in_s: Lasting | None = None
    """Seconds until it ends; without it, it does not end by itself."""


class KeyRotate(Config):
    """How a key is replaced."""

    grace_s: Annotated[float, Field(ge=0.0, le=1e9, allow_inf_nan=False)] = 86_400.0
    """Seconds that the old key still opens."""
    expires_in_s: Lasting | None = None
    """Seconds until the new key ends; without it, it does not end by itself."""


class KeyPublic(Config):
    """A key, without its text."""

    id: str
    """Part of its text that may be shown."""
    name: str
    """Name for people."""
    scopes: tuple[Scope, ...]
    """What it may do."""
    created_at: Moment
    """When it was created."""
    expires_at: Moment | None
    """When it ends by itself."""
    revoked_at: Moment | None
    """When somebody ended it."""

    @classmethod
    def of(cls, key: Key) -> Self:
        """The wire form of a key."""
        times = {name: moment(getattr(key, name)) for name in ("created_at", "expires_at", "revoked_at")}
        return cls(id=key.id, name=key.name, scopes=tuple(map(Scope, key.scopes)), **times)


class KeyCreated(KeyPublic):
    """A key that was just created."""

    key: str
    """Its text. Nobody sees it again."""

    @classmethod
    def with_text(cls, key: Key, text: str) -> Self:
        """The wire form of a new key."""
        return cls(**dict(KeyPublic.of(key)), key=text)


class KeysPublic(Config):
    """A tenant's keys."""

    keys: tuple[KeyPublic, ...]
    """Newest first."""
