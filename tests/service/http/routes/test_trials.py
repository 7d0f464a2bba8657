"""Canaries over HTTP: people click, the service counts, and stops or promotes without anybody."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ihas.serving.answers import Recommendation, RecommendedItem
from ihas_service.client.client import Client
from ihas_service.http.routes.scoring import interleave
from ihas_service.retention import maintenance
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish, eventually
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"
RULES = {"alpha": 0.05, "minimum_effect": 0.1, "promote": True}


@pytest.fixture
def deciding(settings: Settings, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The API, which looks at its experiments all the time."""
    monkeypatch.setattr(maintenance, "LOOK_S", 0.05)
    with LiveServer(settings) as live:
        yield live


def ask(live: LiveServer, number: int, k: int = 2) -> Any:
    """An answer to one of many people."""
    return live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}, "k": k}, headers={"sticky-key": f"person-{number}"})


def click(live: LiveServer, answers: list[Any]) -> None:
    """Everybody clicks the first item."""
    events = [{"recommendation_id": one["recommendation_id"], "item_id": one["items"][0]["id"], "kind": "click"} for one in answers]
    for first in range(0, len(events), 500):
        live.json("POST", "/v1/events", json={"events": events[first : first + 500]})


def split(live: LiveServer, **plan: Any) -> Any:
    """The plan of traffic."""
    return live.json("PUT", f"{MODEL}/traffic", json=plan, headers={"if-match": "*"})


@pytest.mark.parametrize(("liked", "champion", "decision"), [(2, 2, "promoted"), (1, 1, "stopped")])
def test_a_canary_is_promoted_or_stopped_by_what_people_click(
    deciding: LiveServer, publish: Publish, liked: int, champion: int, decision: str
) -> None:
    """Half the people get version 2, and people click on what one of the two versions recommends: the service does the rest."""
    publish()
    publish()
    deciding.json("POST", f"{MODEL}/promote", json={"version": 1})
    split(deciding, canaries=[{"version": 2, "percent": 50}], experiment=RULES)
    answers = [ask(deciding, number) for number in range(300)]
    click(deciding, [one for one in answers if one["version"] == liked])
    eventually(lambda: deciding.json("GET", f"{MODEL}/traffic")["canaries"] == [])
    trial = deciding.json("GET", f"{MODEL}/online")["trial"]

    assert [(one["version"], one["decision"]) for one in trial["decisions"]] == [(2, decision)]
    assert (trial["ended"] is not None, trial["arms"]) == (True, [])
    eventually(lambda: deciding.json("GET", f"{MODEL}/traffic")["champion"] == champion)
    assert ask(deciding, 0)["version"] == champion
    change = deciding.json("GET", f"{MODEL}/aliases/champion/history")["changes"][0]
    assert (change["actor"] == "service", change["reason"].startswith("Trial 1: Better: ")) == (champion == 2, champion == 2)


def test_online_shows_canaries_against_the_champion(live: LiveServer, publish: Publish, new_headers: NewKey) -> None:
    """Every answer counts, those that were asked for by number do not; people stay with their version as another canary comes; both clients
    and the command line read the same."""
    for _ in range(3):
        publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    first = split(live, canaries=[{"version": 2, "percent": 30}])
    with_second = {number for number in range(200) if ask(live, number)["version"] == 2}
    both = split(live, canaries=[{"version": 2, "percent": 40}, {"version": 3, "percent": 30}], experiment={**RULES, "promote": False})
    answers = [ask(live, number) for number in range(200)]
    live.json("POST", f"{MODEL}/recommend?version=3", json={"context": {"user": "ada"}})
    click(live, [one for one in answers if one["version"] == 2])
    with Client(live.url) as client:
        trial = client.online("films")["trial"]
    counts = {version: sum(one["version"] == version for one in answers) for version in (1, 2, 3)}

    assert (first["canary"]["version"], both["canary"]["version"], [one["version"] for one in both["canaries"]]) == (2, 2, [2, 3])
    assert with_second <= {number for number, one in enumerate(answers) if one["version"] == 2}
    assert {one["version"]: one["answers"] for one in trial["arms"]} == counts
    assert {one["version"]: one["clicks"] for one in trial["arms"]} == {1: 0, 2: counts[2], 3: 0}
    assert [(one["role"], one["finding"]) for one in trial["arms"]] == [("champion", None), ("canary", "better"), ("canary", "open")]
    assert (trial["trial"], trial["ended"], trial["rules"]["minimum_effect"]) == (both["revision"], None, 0.1)


def test_lists_of_two_versions_are_interleaved(live: LiveServer, publish: Publish) -> None:
    """All lists; each item stands once, ranks are those of the list, and clicks count for whose item it was."""
    for _ in range(2):
        publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    split(live, interleave={"version": 2, "percent": 100})
    answers = [ask(live, number, 3) for number in range(60)]
    click(live, answers)
    varied = {"context": {"user": "ada"}, "k": 2, "diversity": {"field": "genres", "at_most": 1}}
    assert live.json("POST", f"{MODEL}/recommend", json=varied)["version"] == 1  # not interleaved, and in no sum
    assert live.json("GET", f"{MODEL}/online")["trial"]["arms"][0]["answers"] == 0
    preference = live.json("GET", f"{MODEL}/online")["trial"]["preference"]

    assert {one["version"] for one in answers} == {1}
    assert all([item["rank"] for item in one["items"]] == [1, 2, 3] for one in answers)
    assert all(len({item["id"] for item in one["items"]}) == 3 for one in answers)
    assert (preference["answers"], preference["wins"] + preference["losses"]) == (60, 60)
    assert 10 < preference["wins"] < 50  # equal versions: a fair coin says who picks first
    assert {one["version"] for one in live.json("GET", f"{MODEL}/online")["groups"]} == {1, 2}


def test_an_interleaved_item_keeps_what_its_version_said() -> None:
    """Score and group; the rank is that of the list."""
    first = Recommendation("rc_1", "films", tuple(RecommendedItem(name, 0.9, n, 0) for n, name in enumerate("ab", 1)), 2, (), ())
    second = msgspec.structs.replace(first, items=tuple(RecommendedItem(name, 0.1, n, 1) for n, name in enumerate("bc", 1)))
    found, challenger = interleave(first, second, 7, 3, lambda: True)

    assert [(item.id, item.score, item.rank, item.group) for item in found.items] == [("a", 0.9, 1, 0), ("b", 0.1, 2, 1), ("c", 0.1, 3, 1)]
    assert (challenger.version, challenger.items) == (7, frozenset("bc"))


def test_plans_that_mean_nothing_are_refused_and_point_at_the_part(live: LiveServer, publish: Publish) -> None:
    """A version that there is not, in each place; shares above 100; rules without canaries."""
    publish()
    wrong: list[tuple[dict[str, Any], str | None]] = [
        ({"canaries": [{"version": 1, "percent": 1}, {"version": 7, "percent": 1}]}, "/canaries/1/version"),
        ({"canary": {"version": 7, "percent": 1}}, "/canary/version"),
        ({"interleave": {"version": 7, "percent": 1}}, "/interleave/version"),
        ({"canaries": [{"version": 1, "percent": 60}], "interleave": {"version": 2, "percent": 50}}, None),
        ({"experiment": RULES}, None),
        ({"canaries": [{"version": 1, "percent": 1}], "experiment": {"alpha": "a"}}, None),
        ({"canaries": [[]] * 1_000}, None),
    ]
    for plan, pointer in wrong:
        response = live.http.put(f"{MODEL}/traffic", json=plan, headers={"if-match": "*"})
        assert response.status_code == 422, plan
        if pointer is not None:
            assert response.json()["errors"][0]["pointer"] == pointer
    assert live.json("GET", f"{MODEL}/online")["trial"] is None
