"""Versions that come of other versions, over HTTP."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ihas.config.overrec import OverRecConfig
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.overrec.archive import OverRecBundle, write_overrec
from ihas_service.client.client import Client
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

DATA = UserSequences(("zoe", "bob"), ("m1", "m2", "m3"), Sequences.of([[0, 1, 2], [2, 1, 0]]))
ADDED = [{"user": "eve", "item": "m4"}, {"user": "eve", "item": "m2"}]


def walks(folder: Path) -> None:
    """Put two histories in the place of a bundle."""
    shutil.rmtree(folder)
    write_overrec(OverRecBundle.of("walks", DATA, OverRecConfig(num_neighbours=1, hide_history=False), {"found": 1}), folder)


def _best(live: LiveServer, model: str, **context: Any) -> str:
    answer = live.json("POST", f"/v1/models/{model}/recommend", json={"context": context, "k": 1})
    return str(answer["items"][0]["id"])


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_interactions_make_the_next_version(live: LiveServer, publish: Publish) -> None:
    """Eve's walk from m4, an item that nobody had, to m2 is known to the next version alone; the one before, asked by number, has no
    walk through m4."""
    publish("walks", spoil=walks)
    before = _best(live, "walks", history=["m4"])
    made = live.http.post("/v1/models/walks/interactions", json={"interactions": ADDED, "version": 1})

    assert (made.status_code, made.json()["version"], made.headers["location"]) == (201, 2, "/v1/models/walks/versions/2")
    assert (before, _best(live, "walks", history=["m4"])) == ("m3", "m2")
    assert live.json("GET", "/v1/models/walks")["summary"]["added"] == {"interactions": 2, "to_version": 1}
    search = live.json("GET", f"/v1/searches/{made.json()['search_id']}")
    assert (search["state"], search["message"]) == ("succeeded", "2 interactions were added to version 1.")
    old = live.json("POST", "/v1/models/walks/recommend?version=1", json={"context": {"history": ["m4"]}, "k": 1})
    assert old["items"][0]["id"] == "m3"


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_of_four_who_add_to_one_version_one_does(live: LiveServer, publish: Publish) -> None:
    """The others are told, and nothing of theirs is left; what they meant to add can be added to the newest."""
    folder = publish("walks", spoil=walks).parents[2]

    def add(item: str) -> int:
        asked = {"interactions": [{"user": "eve", "item": item}], "version": 1}
        return live.http.post("/v1/models/walks/interactions", json=asked).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(add, ["m1", "m2", "m3", "m4"]))
    assert statuses == [201, 409, 409, 409]
    assert live.json("GET", "/v1/models/walks")["latest"] == 2
    assert len(list(folder.glob("derived/*"))) == 1


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_cold_start_model_is_added_to_a_trained_one(live: LiveServer, publish: Publish) -> None:
    """Who the trained model knows is answered by it, somebody with a history by the nearest walk."""
    publish("films")
    publish("walks", spoil=walks)
    made = live.json("POST", "/v1/models/films/cold-start", json={"cold_start_model": "walks", "register_as": "both"})

    assert (made["name"], made["version"]) == ("both", 1)
    assert _best(live, "both", user="ada") == "m1"
    assert _best(live, "both", user="eve", history=["m3"]) == "m2"


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_client_of_the_first_version_adds_a_cold_start_model(live: LiveServer, publish: Publish) -> None:
    """By the route and the names that it knows; the client's method of that version says what it is called now."""
    publish("films")
    publish("walks", spoil=walks)
    body = {"front": "walks", "front_version": 1, "register_as": "both"}
    assert live.json("POST", "/v1/models/films/front", json=body)["version"] == 1
    with Client(live.url) as client, pytest.warns(DeprecationWarning, match="add_cold_start_model"):
        assert client.put_front("films", "walks", "both")["version"] == 2


@pytest.mark.timeout(280)
def test_what_does_not_fit_is_pointed_at(live: LiveServer, publish: Publish) -> None:
    """A trained model takes no interactions; a cold-start model must be there and be one of histories; the user's field must be a field."""
    publish("films")
    publish("walks", spoil=walks)
    assert live.http.post("/v1/models/films/interactions", json={"interactions": ADDED}).status_code == 409
    assert live.http.post("/v1/models/nothing/interactions", json={"interactions": ADDED}).status_code == 404
    for body, pointer in (
        ({"cold_start_model": "nothing"}, "/cold_start_model"),
        ({"cold_start_model": "films"}, "/cold_start_model"),
        ({"cold_start_model": "walks", "cold_start_version": 9}, "/cold_start_version"),
        ({"cold_start_model": "walks", "user_field": "movie"}, "/user_field"),
    ):
        refused = live.http.post("/v1/models/films/cold-start", json={"register_as": "both", **body})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert live.http.post("/v1/models/walks/cold-start", json={"cold_start_model": "walks", "register_as": "both"}).status_code == 409


def test_a_bundle_that_cannot_be_loaded_is_no_version(live: LiveServer, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded by a child before it is registered; nothing of it stays."""
    publish("walks", walks)
    live.json("GET", "/v1/models/walks")
    monkeypatch.setattr(live.server.config.app.state.parts.first_load, "_command", ("false",))
    answer = live.http.post("/v1/models/walks/interactions", json={"interactions": ADDED})

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:ihas:problem:model-unavailable")
    assert live.json("GET", "/v1/models/walks")["latest"] == 1
    assert list((live.settings.folder / "derived").iterdir()) == []
