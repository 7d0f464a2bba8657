"""Items over HTTP: fields that count without a new model, in every process and every version, and are forgotten on request."""

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
ITEMS = f"{MODEL}/items"


def ask(live: LiveServer, query: str = "", headers: Any = None, **asked: Any) -> Any:
    """An answer."""
    return live.json("POST", f"{MODEL}/recommend{query}", json={"context": {"user": "bob"}, **asked}, headers=headers)


def ids(answer: Any) -> list[str]:
    """Its items, best first."""
    return [item["id"] for item in answer["items"]]


def with_users(folder: Path) -> None:
    """A bundle that knows its users."""
    shutil.rmtree(folder)
    write_bundle(bundle_with_towns(), folder)


def test_what_is_put_counts_at_once_and_what_is_forgotten_no_more(live: LiveServer, publish: Publish) -> None:
    """In scores, filters, shown fields and explanations, by item table and schema of the version; a new item is an item like others."""
    publish()
    before = ask(live)
    put = live.json("PUT", f"{ITEMS}/m3", json={"fields": {"genres": ["comedy", "opera"]}})
    new = live.json("PUT", f"{ITEMS}/m9", json={"fields": {"genres": "comedy"}})

    assert ids(before) == ["m1", "m2", "m3"]
    assert put == {
        "item": "m3", "fields": {"genres": ["comedy", "opera"]}, "values": {"genres": ["comedy", "opera"]}, "new": False,
        "unknown_values": [{"field": "genres", "value": ["comedy", "opera"]}], "left_out": [],
    }  # fmt: skip
    assert (new["new"], new["unknown_values"]) == (True, [])
    assert ids(ask(live)) == ["m9", "m1", "m2", "m3"]
    found = ask(live, filter='genres has "comedy"', exclude=["m1"], explain=True, fields=["genres"], context={"user": "ada"})
    assert ids(found) == ["m9", "m2", "m3"]
    assert found["items"][0]["fields"] == {"genres": ["comedy"]}
    told = {part["field"]: part["values"] for part in found["items"][0]["explanation"]["contributions"]}
    assert (told["movie"], told["genres"]) == (["(unknown)"], ["comedy"])
    told = {part["field"]: part["values"] for part in found["items"][2]["explanation"]["contributions"]}
    assert told["genres"] == ["comedy", "(unknown)"]
    assert live.json("GET", f"{ITEMS}/m3") == put
    assert live.json("GET", f"{ITEMS}/m2")["values"] == {"genres": ["comedy"]}
    assert live.json("GET", ITEMS)["items"] == 2

    assert live.json("DELETE", f"{ITEMS}/m9") == {"deleted": "films/m9", "items": 1}
    assert live.json("DELETE", ITEMS) == {"deleted": "films", "items": 1}
    after = ask(live)
    assert after["items"] == before["items"]
    assert [live.http.delete(f"{ITEMS}/m9").status_code, live.http.get(f"{ITEMS}/m9").status_code] == [404, 404]
    assert live.json("GET", f"{ITEMS}/m3")["fields"] == {}


def test_every_version_and_process_knows_it(live: LiveServer, settings: Settings, publish: Publish) -> None:
    """A named version, a canary, the version that is promoted next, and another process, within its next look; also after a start."""
    publish()
    publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    assert ids(ask(live, "?version=2")) == ["m1", "m2", "m3"]
    with LiveServer(settings) as other:
        assert ids(ask(other)) == ["m1", "m2", "m3"]
        live.json("PUT", f"{ITEMS}/m9", json={"fields": {}})
        wanted = ["m9", "m1", "m2", "m3"]
        assert ids(ask(live)) == ids(ask(live, "?version=2")) == wanted
        eventually(lambda: ids(ask(other)) == wanted)
    with LiveServer(settings) as later:
        assert ids(ask(later)) == wanted
    publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 3})
    assert ids(ask(live)) == wanted
    live.json("DELETE", MODEL, params={"force": "true"})
    publish()
    eventually(lambda: live.http.get(ITEMS).status_code == 200 and ids(ask(live)) == ["m1", "m2", "m3"])
    assert live.json("GET", ITEMS) == {"items": 0, "bytes": 0}


def test_rows_of_what_was_shown_have_the_fields_that_were_put(live: LiveServer, publish: Publish) -> None:
    """So that the next version learns from them; a click on a new item becomes a row, and excludes the item for its user."""
    publish(spoil=with_users)
    live.json("PUT", f"{ITEMS}/m9", json={"fields": {"genres": "comedy"}})
    shown = ask(live)
    told = {"recommendation_id": shown["recommendation_id"], "item_id": "m9", "kind": "click"}
    assert live.json("POST", "/v1/events", json={"events": [told]})["accepted"] == 1
    rows = live.http.get(f"{MODEL}/events/export", params={"format": "jsonl", "open": "true"}).text.splitlines()

    assert ids(shown)[0] == "m9"
    assert ['"movie":"m9"' in row and '"genres":"comedy"' in row for row in rows] == [True]
    assert ids(ask(live, exclude_seen=True)) == ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"fields": {"genre": "war"}}, "/fields/genre", "Did you mean `genres`"),
        ({"fields": {"user": "ada"}}, "/fields/user", "no field of items"),
        ({"fields": {"movie": "m1"}}, "/fields/movie", "names the item"),
        ({"fields": {"genres": [["war"]]}}, "/fields/genres/0", "one value"),
        ({"fields": {"genres": {"deep": {"deep": []}}}}, "/fields/genres/0", "one value"),
        ({"fields": {"genres": "x" * 9_000}}, "/fields", "at most 8,192 bytes"),
        ({"fields": []}, "/fields", ""),
        ({}, "/fields", ""),
        ({"fields": {}, "more": 1}, "/more", ""),
    ],
)
def test_fields_that_no_item_has_are_refused(live: LiveServer, publish: Publish, body: Any, pointer: str, said: str) -> None:
    """And nothing is kept."""
    publish()
    refused = live.http.put(f"{ITEMS}/m1", json=body)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert said in refused.json()["errors"][0]["detail"]
    assert live.json("GET", ITEMS)["items"] == 0


def test_values_that_json_or_a_database_cannot_hold(live: LiveServer, publish: Publish) -> None:
    """Infinite numbers and halves of characters are refused, the character of number 0 is kept as what stands for it; a number of many
    digits is a text."""
    publish()
    headers = {"content-type": "application/json"}
    bodies = ('{"fields": {"genres": 1e999}}', '{"fields": {"genres": "\\ud800"}}', '{"fields": {"genres": "a\\u0000"}}')
    codes = [live.http.put(f"{ITEMS}/m1", content=body, headers=headers).status_code for body in bodies]
    codes.append(live.http.put(f"{ITEMS}/m1", content=f'{{"fields": {{"genres": {"9" * 3_000}}}}}', headers=headers).status_code)
    names = [live.http.put(f"{ITEMS}/{name}", json={"fields": {}}).status_code for name in ("x" * 300, "%00", " ", "m%2F1")]

    assert codes == [400, 400, 200, 200]
    assert names == [422, 422, 422, 200]
    assert live.json("GET", ITEMS)["items"] == 2


def test_many_items_are_put_together_or_not_at_all(live: LiveServer, publish: Publish) -> None:
    """One that is wrong, named twice however spelt, or one too many; new items and unknown values are told."""
    publish()
    good = {"item": "m9", "fields": {"genres": "opera"}}
    wrong: list[tuple[list[Any], str]] = [
        ([good, {"item": "m1", "fields": {"colour": 1}}], "/items/1/fields/colour"),
        ([{**good, "item": "7"}, {**good, "item": "7.0"}], "/items/1/item"),
        ([{**good, "item": " "}], "/items/0/item"),
        ([{**good, "item": "x" * 256}], "/items/0/item"),
        ([{**good, "item": str(number)} for number in range(1_001)], "/items"),
        ([], "/items"),
    ]
    for items, pointer in wrong:
        refused = live.http.put(ITEMS, json={"items": items})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert live.json("GET", ITEMS) == {"items": 0, "bytes": 0}
    few = live.json("PUT", ITEMS, json={"items": [good, {"item": "m1", "fields": {"genres": "drama"}}]})
    assert (few["new"], few["unknown_values"]) == (["m9"], [{"item": "m9", "field": "genres", "value": "opera"}])
    many = live.json("PUT", ITEMS, json={"items": [{**good, "item": f"n{number}"} for number in range(1_000)]})
    assert (many["items"], len(many["new"]), len(many["unknown_values"])) == (1_002, 100, 100)
    assert ask(live, k=2_000)["num_scored"] == 1_004


def test_items_are_a_tenants_own_and_limited(settings: Settings, publish: Publish, new_headers: NewKey) -> None:
    """Another tenant's model is unknown, a key without the scope reads nothing, and what does not fit is refused whole."""
    publish()
    limited = settings.model_copy(update={"access": "keys", "max_item_field_bytes_per_tenant": 400})
    body = {"fields": {"genres": "drama"}}
    with LiveServer(limited) as live:
        own, other, reader = new_headers(), new_headers("acme"), new_headers(scopes=frozenset({Scope.READ}))
        put = live.http.put(f"{ITEMS}/m1", json=body, headers=own)
        asked = [(method, path) for path in (ITEMS, f"{ITEMS}/m1") for method in ("GET", "PUT", "DELETE")]
        bodies = {ITEMS: {"items": [{"item": "m1", **body}]}, f"{ITEMS}/m1": body}
        theirs = [live.http.request(method, path, json=bodies[path], headers=other).status_code for method, path in asked]
        readers = [live.http.request(method, path, json=bodies[path], headers=reader).status_code for method, path in asked]
        two = {"items": [{"item": name, **body} for name in ("m2", "m3")]}
        full = live.http.put(ITEMS, json=two, headers=own)
        again = live.http.put(f"{ITEMS}/m1", json=body, headers=own)
        kept = live.json("GET", ITEMS, headers=own)["items"]

    assert (put.status_code, theirs, readers) == (200, [404] * 6, [403] * 6)
    assert (full.status_code, "IHAS_MAX_ITEM_FIELD_BYTES_PER_TENANT" in full.json()["detail"]) == (413, True)
    assert (again.status_code, kept) == (200, 1)


def test_a_time_decides_what_is_forgotten(live: LiveServer, publish: Publish) -> None:
    """Seconds since 1970, or RFC 3339; anything else is refused."""
    publish()
    live.json("PUT", f"{ITEMS}/m1", json={"fields": {}})
    with Client(live.url) as client:
        assert client.delete_items("films", "2000-01-01T00:00:00Z")["items"] == 0
        assert client.delete_items("films", 4e9)["items"] == 1
    assert live.http.delete(ITEMS, params={"put_before": "nan"}).status_code == 422


@pytest.mark.slow
def test_of_many_at_once_none_is_lost(live: LiveServer, publish: Publish) -> None:
    """Eight who put a hundred items, while others are asked for: all are there, in the sums and in answers."""
    publish()

    def put(worker: int) -> None:
        for number in range(25):
            live.json("PUT", f"{ITEMS}/i{(worker % 4) * 25 + number}", json={"fields": {"genres": "drama"}})
            ask(live, exclude=[f"i{number}"])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(8)))

    assert live.json("GET", ITEMS)["items"] == 100
    assert ask(live, k=200)["num_scored"] == 103


def test_the_command_line_puts_shows_and_forgets(shell: Shell, publish: Publish, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    """One item, and many from JSON lines and CSV; what cannot be read or is refused is said with its row."""
    publish()
    lines = "".join(f'{{"item": "n{number}", "fields": {{"genres": ["comedy"]}}}}\n' for number in range(1_001))
    (tmp_path / "items.jsonl").write_text(lines)
    (tmp_path / "items.csv").write_text("movie,genres\nm1,drama|comedy\nm8,\n")
    (tmp_path / "wrong.csv").write_text("item,genre\nm1,drama\n")

    assert shell("item", "put", "films", "m9", '{"genres": "opera"}')["new"] is True
    told = " ".join(shell.shown("item", "show", "films", "m9").split())
    assert told.startswith('genres ["opera"] (put) put {"genres": "opera"}. It is new: the model does not know its id.')
    assert told.endswith('The model does not know the genres "opera".')
    assert shell("item", "import", "films", str(tmp_path / "items.jsonl"))["items"] == 1_002
    assert shell("item", "import", "films", str(tmp_path / "items.csv"), "--item", "movie")["new"] == ["m8"]
    assert shell("item", "show", "films", "m8")["fields"] == {"genres": None}
    assert shell.shown("item", "count", "films").startswith("1,004 items of films have fields, some ")
    assert shell("item", "rm", "films", "m9", "--yes")["items"] == 1
    refused = shell("item", "import", "films", str(tmp_path / "wrong.csv"), code=4)["error"]["detail"]
    assert refused.startswith("Row 1 is refused: `genre` is no field of items. Did you mean `genres`?")
    unnamed = shell("item", "import", "films", str(tmp_path / "items.csv"), code=4)["error"]["detail"]
    assert "Row 1 must name the item in the column 'item'" in unnamed
    assert shell("item", "clear", "films", "--put-before", "2000-01-01T00:00:00Z", "--yes")["items"] == 0
    assert shell("item", "clear", "films", "--yes")["items"] == 1_003


@pytest.mark.parametrize("item", ["a/b", "/a//b/", "https://shop.example/p?q=1#x", "..", ".", "../champion", "ä\nö", "%2F", "é" * 200])
def test_an_id_is_any_text(live: LiveServer, publish: Publish, item: str) -> None:
    """Also one that reads like a path: put, shown and forgotten one by one as together with others."""
    publish()
    with Client(live.url) as client:
        client.put_items("films", {item: {"genres": ["comedy"]}})
        again = client.put_item("films", item, {"genres": ["drama"]})
        shown, gone = client.item("films", item), client.delete_item("films", item)

    assert (again["item"], shown["fields"], gone["deleted"]) == (item, {"genres": ["drama"]}, f"films/{item}")
    assert live.json("GET", ITEMS)["items"] == 0


def test_no_id_is_not_all(live: LiveServer, publish: Publish) -> None:
    """A path that ends where the id would begin forgets nothing."""
    publish()
    live.json("PUT", f"{ITEMS}/m1", json={"fields": {"genres": "comedy"}})

    assert live.http.delete(f"{ITEMS}/").status_code == 404
    assert live.json("GET", ITEMS)["items"] == 1
