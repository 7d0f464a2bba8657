"""A service that asks for keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest

from ihas_service.auth.scopes import EVERYTHING, Scope
from ihas_service.auth.tokens import new_key
from ihas_service.settings import Settings
from ihas_service.storage.keys import Keys
from ihas_service.storage.sql_store import SqlStore
from tests.service.live import LiveServer


class NewKey(Protocol):
    """Makes a key; gives the headers that carry it."""

    def __call__(self, tenant: str = "local", scopes: frozenset[Scope] = EVERYTHING, expires_in_s: float | None = None) -> dict[str, str]:
        """The headers."""
        ...


@pytest.fixture
def keyed(settings: Settings) -> Settings:
    """Keys are asked for, and forgotten at once."""
    return settings.model_copy(update={"access": "keys", "key_cache_s": 0.0})


@pytest.fixture
def guarded(keyed: Settings, store: SqlStore) -> Iterator[LiveServer]:
    """The API, which asks for keys."""
    with LiveServer(keyed) as live:
        yield live


@pytest.fixture
def new_headers(store: SqlStore) -> NewKey:
    """Headers with a new key."""

    def make(tenant: str = "local", scopes: frozenset[Scope] = EVERYTHING, expires_in_s: float | None = None) -> dict[str, str]:
        text, key = new_key(tenant, "test", scopes, expires_in_s)
        Keys(store).add(key)
        return {"authorization": f"Bearer {text}"}

    return make
