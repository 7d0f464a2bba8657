"""Keys over HTTP: created, shown once, rotated, ended."""

from __future__ import annotations

import pytest

from ihas_service.auth.scopes import Scope
from ihas_service.storage.sql_store import SqlStore
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

ADMIN = frozenset({Scope.ADMIN, Scope.READ})


def bearer(created: dict[str, str]) -> dict[str, str]:
    """Headers with a key that was just created."""
    return {"authorization": f"Bearer {created['key']}"}


def test_a_key_is_shown_once(guarded: LiveServer, new_headers: NewKey) -> None:
    """In the answer that created it; the list names it by its id."""
    admin = new_headers(scopes=ADMIN)
    created = guarded.json("POST", "/v1/keys", json={"name": "shop", "scopes": ["read"], "expires_in_s": 60}, headers=admin)
    listed = guarded.json("GET", "/v1/keys", headers=admin)

    assert guarded.http.get("/v1/models", headers=bearer(created)).status_code == 200
    assert created["expires_at"] is not None
    assert created["key"] not in str(listed)
    assert [key["id"] for key in listed["keys"]][0] == created["id"]


def test_a_key_grants_no_more_than_it_may(guarded: LiveServer, new_headers: NewKey) -> None:
    """Who may not search cannot make a key that may."""
    refused = guarded.http.post("/v1/keys", json={"name": "x", "scopes": ["search"]}, headers=new_headers(scopes=ADMIN))

    assert (refused.status_code, "search" in refused.json()["detail"]) == (403, True)


def test_a_rotated_key_ends_after_its_grace(guarded: LiveServer, new_headers: NewKey) -> None:
    """The new one may do the same; the old one opens during the grace and not after it."""
    admin = new_headers(scopes=ADMIN)
    old = guarded.json("POST", "/v1/keys", json={"name": "shop", "scopes": ["read"]}, headers=admin)
    kept = guarded.json("POST", f"/v1/keys/{old['id']}/rotate", json={"grace_s": 60}, headers=admin)
    both = [guarded.http.get("/v1/models", headers=bearer(one)).status_code for one in (old, kept)]
    guarded.json("POST", f"/v1/keys/{old['id']}/rotate", json={"grace_s": 0}, headers=admin)

    assert (both, kept["scopes"], kept["id"] != old["id"]) == ([200, 200], ["read"], True)
    assert [guarded.http.get("/v1/models", headers=bearer(one)).status_code for one in (old, kept)] == [401, 200]


def test_a_revoked_key_opens_nothing(guarded: LiveServer, new_headers: NewKey, store: SqlStore) -> None:
    """From the answer on, where no key is remembered."""
    admin = new_headers(scopes=ADMIN)
    created = guarded.json("POST", "/v1/keys", json={"name": "shop", "scopes": ["read"]}, headers=admin)
    ended = guarded.json("DELETE", f"/v1/keys/{created['id']}", headers=admin)

    assert ended["revoked_at"] is not None
    assert guarded.http.get("/v1/models", headers=bearer(created)).status_code == 401


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_has_ended_is_not_rotated(guarded: LiveServer, new_headers: NewKey, end: str) -> None:
    """409: a rotation would open again what somebody has closed."""
    admin = new_headers()
    old = guarded.json("POST", "/v1/keys", json={"name": "old", "scopes": ["read"]}, headers=admin)
    if end == "revoked":
        guarded.json("DELETE", f"/v1/keys/{old['id']}", headers=admin)
    else:
        guarded.json("POST", f"/v1/keys/{old['id']}/rotate", json={"grace_s": 0}, headers=admin)

    assert guarded.http.post(f"/v1/keys/{old['id']}/rotate", json={}, headers=admin).status_code == 409
