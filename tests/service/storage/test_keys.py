"""Keys: kept as digests, of one tenant, ended once."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from ihas_service.auth.scopes import Scope
from ihas_service.auth.tokens import digest, new_key
from ihas_service.errors import UnknownIdError
from ihas_service.storage.database import Database
from ihas_service.storage.keys import Keys
from ihas_service.storage.tables import KEYS

pytestmark = pytest.mark.full


def test_the_table_never_holds_the_key(database: Database) -> None:
    """What is kept is the id and the SHA-256 of the text; the text itself is in no column."""
    text, key = new_key("acme", "shop", (Scope.READ,))
    Keys(database).add(key)
    row = database.read(sa.select(KEYS))[0]

    assert (row["digest"], row["id"]) == (digest(text), key.id)
    assert text.rpartition("_")[2] not in str(dict(row))


def test_a_key_ends_by_the_databases_clock(database: Database) -> None:
    """`expires_at` is given in seconds from now."""
    keys = Keys(database)
    before = keys.now()
    kept = keys.add(new_key("acme", "shop", (Scope.READ,), 60.0)[1])

    assert before + 60.0 <= (kept.expires_at or 0.0) <= keys.now() + 60.0
    assert keys.find(kept.id) == kept


def test_the_databases_clock_counts_seconds_since_1970(database: Database) -> None:
    """As this machine's does, to the millisecond that SQLite's clock has."""
    before = time.time()

    assert before - 0.01 <= Keys(database).now() <= time.time() + 0.01


def test_an_end_only_comes_nearer(database: Database) -> None:
    """A later end changes nothing, an earlier one does; a revoked key keeps the time of its first end."""
    keys = Keys(database)
    kept = keys.add(new_key("acme", "shop", (Scope.READ,), 3_600.0)[1])

    assert keys.expire(kept.id, "acme", 86_400.0).expires_at == kept.expires_at
    assert (keys.expire(kept.id, "acme", 1.0).expires_at or 0.0) < (kept.expires_at or 0.0)
    assert keys.revoke(kept.id, "acme").revoked_at == keys.revoke(kept.id, "acme").revoked_at


def test_another_tenants_key_does_not_exist(database: Database) -> None:
    """Neither in the list nor to be ended."""
    keys = Keys(database)
    kept = keys.add(new_key("acme", "shop", (Scope.READ,))[1])

    assert keys.of_tenant("other") == []
    with pytest.raises(UnknownIdError, match="no key"):
        keys.revoke(kept.id, "other")
    assert keys.of_tenant("acme") == [kept]
