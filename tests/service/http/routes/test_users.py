"""Known users over HTTP: fields and clicks that count without a new model, and are forgotten on request."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ihas.bundle.archive import write_bundle
from ihas_service.auth.scopes import Scope
from ihas_service.client.client import Client
from ihas_service.settings import Settings
from tests.ihas.bundle_factory import bundle_with_towns
from tests.service.conftest import Publish, eventually
from tests.service.keyed import NewKey
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell, shell  # noqa: F401 - a fixture

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"
USERS = f"{MODEL}/users"


def with_towns(folder: Path) -> None:
    """A bundle that knows that ada has clicked m1 and m3 and lives in Ulm."""
    shutil.rmtree(folder)
    write_bundle(bundle_with_towns(), folder)


def ask(live: LiveServer, **asked: Any) -> Any:
    """An answer."""
    return live.json("POST", f"{MODEL}/recommend", json=asked)


def click(live: LiveServer, user: str, item: str) -> None:
    """A click on what was shown to a user."""
    answer = ask(live, context={"user": user})
    told = {"recommendation_id": answer["recommendation_id"], "item_id": item, "kind": "click"}
    assert live.json("POST", "/v1/events", json={"events": [told]})["accepted"] == 1


def shown(live: LiveServer, user: str) -> tuple[list[str], int]:
    """What a user has not seen yet, and how many clicks since were left out."""
    answer = ask(live, context={"user": user}, exclude_seen=True)
    return [item["id"] for item in answer["items"]], answer["clicks_excluded"]


def test_clicks_since_are_excluded(live: LiveServer, publish: Publish) -> None:
    """Of a recommendation or without one; impressions and other people's clicks exclude nothing, and what the bundle knows is no click
    since. A user who is forgotten has seen nothing."""
    publish(spoil=with_towns)
    before = shown(live, "bob")
    click(live, "bob", "m1")
    now = live.server.config.app.state.parts.store.now()  # type: ignore[union-attr]
    direct = {"model": "films", "context": {"user": "bob"}, "item_id": "m3", "at": now - 60.0}
    for kind in ("impression", "cart"):
        assert live.json("POST", "/v1/events", json={"events": [{**direct, "kind": kind}]})["accepted"] == 1
    after = shown(live, "bob")
    live.json("POST", "/v1/events", json={"events": [{**direct, "kind": "click"}]})

    assert before == (["m1", "m2", "m3"], 0)
    assert after == (["m2", "m3"], 1)
    assert shown(live, "bob") == (["m2"], 2)
    assert shown(live, "ada") == (["m2"], 0)
    assert [item["id"] for item in ask(live, context={"user": "bob"})["items"]] == ["m1", "m2", "m3"]
    assert live.json("DELETE", f"{USERS}/bob") == {"deleted": "films/bob", "fields": False, "clicks": 2}
    assert shown(live, "bob") == (["m1", "m2", "m3"], 0)
    assert live.http.delete(f"{USERS}/bob").status_code == 404


def test_fields_that_were_put_are_those_of_the_user(live: LiveServer, publish: Publish) -> None:
    """Until the request states another one; the answer names them, and the row of what was shown has them. Another process follows."""
    publish(spoil=with_towns)
    assert live.json("PUT", f"{USERS}/eve", json={"fields": {"town": "Bonn"}}) == {"user": "eve", "fields": {"town": "Bonn"}}
    with Client(live.url) as client:
        assert client.put_users("films", {"bob": {"town": "Ulm"}, "7.0": {"town": None}})["users"] == 3
        assert client.user("films", "7") == {"user": "7", "fields": {"town": None}}
        assert client.users("films")["bytes"] > 3 * 150
    answer, stated = ask(live, context={"user": "eve"}), ask(live, context={"user": "eve", "town": "Ulm"})
    null = ask(live, context={"user": 7})
    live.json("PUT", f"{USERS}/ada", json={"fields": {"town": "Bonn"}})
    live.json("POST", "/v1/events", json={"events": [{"recommendation_id": answer["recommendation_id"], "item_id": "m1", "kind": "click"}]})
    row = live.http.get(f"{MODEL}/events/export", params={"open": "true", "format": "jsonl"}).json()

    assert (answer["profile_fields"], stated["profile_fields"], null["profile_fields"]) == (["town"], [], ["town"])
    assert (row["user"], row["town"]) == ("eve", "Bonn")
    assert ask(live, context={"user": "ada"})["profile_fields"] == ["town"]
    assert ask(live, context={"user": "zoe"})["profile_fields"] == []
    with LiveServer(live.settings) as other:
        eventually(lambda: ask(other, context={"user": "eve"})["profile_fields"] == ["town"])
        live.json("PUT", f"{USERS}/zoe", json={"fields": {"town": "Bonn"}})
        eventually(lambda: ask(other, context={"user": "zoe"})["profile_fields"] == ["town"])
        live.json("DELETE", f"{USERS}/eve")
        assert ask(live, context={"user": "eve"})["profile_fields"] == []
        eventually(lambda: ask(other, context={"user": "eve"})["profile_fields"] == [])
    live.json("DELETE", f"{MODEL}?force=true")
    publish(spoil=with_towns)
    assert live.json("GET", USERS) == {"users": 0, "bytes": 0}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fields": {"colour": "red"}}, "/fields"),
        ({"fields": {"movie": "m1"}}, "/fields"),
        ({"fields": {"user": "eve"}}, "/fields"),
        ({"fields": {"town": ["Bonn"]}}, "/fields"),
        ({"fields": {"town": {"deep": {"deep": []}}}}, "/fields"),
        ({"fields": {"town": "x" * 9_000}}, "/fields"),
        ({"fields": []}, "/fields"),
        ({}, "/fields"),
        ({"fields": {}, "more": 1}, "/more"),
    ],
)
def test_fields_that_are_no_context_are_refused(live: LiveServer, publish: Publish, body: Any, pointer: str) -> None:
    """And nothing is kept."""
    publish(spoil=with_towns)
    refused = live.http.put(f"{USERS}/eve", json=body)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert live.http.get(f"{USERS}/eve").status_code == 404


def test_values_that_json_or_a_database_cannot_hold(live: LiveServer, publish: Publish) -> None:
    """Infinite numbers and halves of characters are refused, the character of number 0 is kept as what stands for it."""
    publish(spoil=with_towns)
    headers = {"content-type": "application/json"}
    infinite = live.http.put(f"{USERS}/eve", content='{"fields": {"town": 1e999}}', headers=headers)
    halves = live.http.put(f"{USERS}/eve", content='{"fields": {"town": "\\ud800"}}', headers=headers)
    zero = live.http.put(f"{USERS}/eve", content='{"fields": {"town": "a\\u0000"}}', headers=headers)
    long = live.http.put(f"{USERS}/{'x' * 300}", json={"fields": {}})

    assert (infinite.status_code, halves.status_code, zero.status_code, long.status_code) == (400, 400, 200, 422)
    assert live.json("GET", f"{USERS}/eve")["fields"] == zero.json()["fields"] == {"town": "a\N{REPLACEMENT CHARACTER}"}
    assert ask(live, context={"user": "eve"})["profile_fields"] == ["town"]


def test_many_users_are_put_together_or_not_at_all(live: LiveServer, publish: Publish) -> None:
    """One that is wrong, named twice however spelt, or one too many."""
    publish(spoil=with_towns)
    good = {"user": "eve", "fields": {"town": "Bonn"}}
    wrong: list[tuple[list[Any], str]] = [
        ([good, {"user": "bob", "fields": {"colour": 1}}], "/users/1/fields"),
        ([{**good, "user": "7"}, {**good, "user": "7.0"}], "/users/1/user"),
        ([{**good, "user": " "}], "/users/0/user"),
        ([{**good, "user": "a\0b"}], "/users/0/user"),
        ([{**good, "user": "x" * 256}], "/users/0/user"),
        ([{**good, "user": str(number)} for number in range(1_001)], "/users"),
        ([], "/users"),
    ]
    for users, pointer in wrong:
        refused = live.http.put(USERS, json={"users": users})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert live.json("GET", USERS) == {"users": 0, "bytes": 0}
    assert live.json("PUT", USERS, json={"users": [{**good, "user": str(number)} for number in range(1_000)]})["users"] == 1_000


def test_a_model_that_knows_no_users_takes_none(live: LiveServer, publish: Publish) -> None:
    """409, with what to do."""
    publish()
    refused = live.http.put(f"{USERS}/eve", json={"fields": {}})
    assert (refused.status_code, "columns.user_id" in refused.json()["detail"]) == (409, True)


def test_users_are_a_tenants_own_and_limited(settings: Settings, publish: Publish, new_headers: NewKey) -> None:
    """Another tenant's model is unknown, a key without the scope reads nothing, and what does not fit is refused whole."""
    publish(spoil=with_towns)
    limited = settings.model_copy(update={"access": "keys", "max_profile_bytes_per_tenant": 400})
    body = {"fields": {"town": "Bonn"}}
    with LiveServer(limited) as live:
        own, other, reader = new_headers(), new_headers("acme"), new_headers(scopes=frozenset({Scope.READ}))
        put = live.http.put(f"{USERS}/eve", json=body, headers=own)
        asked = [(method, path) for path in (USERS, f"{USERS}/eve") for method in ("GET", "PUT")] + [("DELETE", f"{USERS}/eve")]
        bodies = {USERS: {"users": [{"user": "eve", **body}]}, f"{USERS}/eve": body}
        theirs = [live.http.request(method, path, json=bodies[path], headers=other).status_code for method, path in asked]
        readers = [live.http.request(method, path, json=bodies[path], headers=reader).status_code for method, path in asked]
        two = {"users": [{"user": name, **body} for name in ("bob", "zoe")]}
        full = live.http.put(USERS, json=two, headers=own)
        again = live.http.put(f"{USERS}/eve", json=body, headers=own)
        kept = live.json("GET", USERS, headers=own)["users"]

    assert (put.status_code, theirs, readers) == (200, [404] * 5, [403] * 5)
    assert (full.status_code, "IHAS_MAX_PROFILE_BYTES_PER_TENANT" in full.json()["detail"]) == (413, True)
    assert (again.status_code, kept) == (200, 1)


@pytest.mark.slow
def test_of_many_at_once_none_is_lost(live: LiveServer, publish: Publish) -> None:
    """Eight who put a hundred users: all are there, in the sums and in memory."""
    publish(spoil=with_towns)

    def put(worker: int) -> None:
        for number in range(25):
            live.json("PUT", f"{USERS}/u{(worker % 4) * 25 + number}", json={"fields": {"town": "Bonn"}})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(8)))
    users = live.server.config.app.state.parts.known_users  # type: ignore[union-attr]
    users.refresh()

    assert live.json("GET", USERS)["users"] == 100
    assert len(users.of("local", "films")) == 100


def test_the_command_line_puts_shows_and_forgets(shell: Shell, publish: Publish, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    """One user, and many from JSON lines and CSV; what is no JSON object is said with its row."""
    publish(spoil=with_towns)
    (tmp_path / "users.jsonl").write_text("".join(f'{{"user": "u{number}", "fields": {{"town": "Ulm"}}}}\n' for number in range(1_001)))
    (tmp_path / "wrong.jsonl").write_text("[]\n")

    assert shell("user", "put", "films", "eve", '{"town": "Bonn"}') == {"user": "eve", "fields": {"town": "Bonn"}}
    assert shell.shown("user", "show", "films", "eve") == 'town            "Bonn"'
    assert shell("user", "import", "films", str(tmp_path / "users.jsonl"))["users"] == 1_002
    assert shell.shown("user", "count", "films").startswith("1,002 users of films have fields, some ")
    assert shell("user", "rm", "films", "eve", "--yes")["fields"] is True
    assert (
        "Row 1 cannot be read: a line must be a JSON object"
        in shell("user", "import", "films", str(tmp_path / "wrong.jsonl"), code=4)["error"]["detail"]
    )
    (tmp_path / "users.csv").write_text("person,town\nzoe,Bonn\nbob,\n")
    assert shell("user", "import", "films", str(tmp_path / "users.csv"), "--user", "person")["users"] == 1_003
    assert shell("user", "show", "films", "bob")["fields"] == {"town": None}


@pytest.mark.parametrize("user", ["a/b", "..", "acme.example/u/7"])
def test_an_id_is_any_text(live: LiveServer, publish: Publish, user: str) -> None:
    """Also one that reads like a path: put, read and forgotten one by one as together with others."""
    with_towns(publish())
    with Client(live.url) as client:
        client.put_users("films", {user: {}})
        client.put_user("films", user, {})
        read, gone = client.user("films", user), client.delete_user("films", user)

    assert (read["user"], gone["deleted"]) == (user, f"films/{user}")
