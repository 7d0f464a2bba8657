"""Answers about the caller."""

from __future__ import annotations

from typing import Literal, Self

from ihas.config.base import Config
from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope


class CallerPublic(Config):
    """Who asks, as the service knows it."""

    tenant: str
    """Tenant whose objects are seen."""
    name: str
    """Who it is in histories: the id of a key, the subject of a token, or the machine itself."""
    scopes: tuple[Scope, ...]
    """What the key or token may do."""
    access: Literal["local", "keys"]
    """`local`: the service asks for no keys; `keys`: it does."""

    @classmethod
    def of(cls, caller: Caller, access: Literal["local", "keys"]) -> Self:
        """The wire form of a caller."""
        return cls(tenant=caller.tenant, name=caller.name, scopes=tuple(sorted(caller.scopes)), access=access)
