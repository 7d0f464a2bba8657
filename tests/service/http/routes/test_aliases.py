"""Releases over HTTP: who answers, since when and why; and nobody notices a change but by the version."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from ihas_service.models.registry import CHECK_S
from ihas_service.settings import Settings
from tests.clock import HANG_S
from tests.ihas.bundle_factory import LOGITS, rows
from tests.ihas.serving.fallback_bundle import torn
from tests.service.conftest import Publish, damage, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"
FIRST = {"if-none-match": "*"}


def answering(live: LiveServer, **headers: str) -> int:
    """Version that answers a row of ada's."""
    return int(live.json("POST", f"{MODEL}/score", json={"rows": rows()[:1]}, headers=headers)["version"])


def promote(live: LiveServer, version: int, **headers: str) -> httpx.Response:
    """Make a version the champion."""
    return live.http.post(f"{MODEL}/promote", json={"version": version}, headers=headers)


def test_without_a_champion_the_newest_version_answers(live: LiveServer, publish: Publish) -> None:
    """And a champion stays when a newer version comes: it answers after the models' thread has looked at that version, which is certain
    once a model is ready that came later, has a name that comes later and was asked for by nobody."""
    publish()
    assert answering(live) == 1
    publish()
    eventually(lambda: answering(live) == 2)
    promote(live, 2)
    publish()
    publish("songs")
    eventually(lambda: live.json("GET", "/readyz")["models"].get("songs") == 1)

    assert answering(live) == 2


def test_promotion_and_rollback_take_effect_at_once(live: LiveServer, publish: Publish) -> None:
    """The next request after the answer is answered by the version that was promoted or returned to."""
    for _ in range(3):
        publish()
    versions = [(promote(live, version).status_code, answering(live)) for version in (1, 3, 2)]
    back = [(live.json("POST", f"{MODEL}/rollback", json={})["version"], answering(live)) for _ in range(2)]

    assert versions == [(200, 1), (200, 3), (200, 2)]
    assert back == [(3, 3), (1, 1)]
    assert live.http.post(f"{MODEL}/rollback", json={}).status_code == 409


def test_a_model_nobody_promoted_returns_to_the_version_below(live: LiveServer, publish: Publish) -> None:
    """Rollback is one call also for who let the newest version answer; with one version there is nothing to return to."""
    publish()
    assert live.http.post(f"{MODEL}/rollback", json={}).status_code == 409
    publish()
    rolled = live.json("POST", f"{MODEL}/rollback", json={"reason": "Clicks fell."})

    assert (rolled["version"], answering(live)) == (1, 1)
    assert live.json("GET", f"{MODEL}/aliases/champion/history")["changes"][0]["reason"] == "Clicks fell."


def test_a_change_says_what_it_expects(live: LiveServer, publish: Publish) -> None:
    """No precondition: 428. A stale one: 412. The `ETag` of the last answer: 200, and a new `ETag`."""
    publish()
    put = {"version": 1}
    bare = live.http.put(f"{MODEL}/aliases/canary", json=put)
    made = live.http.put(f"{MODEL}/aliases/canary", json=put, headers=FIRST)
    again = live.http.put(f"{MODEL}/aliases/canary", json=put, headers=FIRST)
    changed = live.http.put(f"{MODEL}/aliases/canary", json=put, headers={"if-match": made.headers["etag"]})
    stale = live.http.put(f"{MODEL}/aliases/canary", json=put, headers={"if-match": made.headers["etag"]})
    odd = live.http.put(f"{MODEL}/aliases/canary", json=put, headers={"if-match": "yesterday's"})

    assert [one.status_code for one in (bare, made, again, changed, stale, odd)] == [428, 200, 412, 200, 412, 422]
    assert live.http.get(f"{MODEL}/aliases/canary").headers["etag"] == changed.headers["etag"] == '"2"'


def test_of_fifty_writes_of_an_alias_one_wins(live: LiveServer, publish: Publish) -> None:
    """Fifty clients expect the same revision: one 200, 49 times 412, and one change in the history."""
    publish()
    promote(live, 1)

    def write(_: int) -> int:
        with httpx.Client(base_url=live.url, timeout=HANG_S) as client:
            return client.put(f"{MODEL}/aliases/champion", json={"version": 1}, headers={"if-match": '"1"'}).status_code

    with ThreadPoolExecutor(50) as pool:
        found = Counter(pool.map(write, range(50)))

    assert found == {200: 1, 412: 49}
    assert len(live.json("GET", f"{MODEL}/aliases/champion/history")["changes"]) == 2


def test_a_version_that_fails_its_golden_rows_is_not_promoted(live: LiveServer, publish: Publish) -> None:
    """409 says why; the champion stays, in the table and in memory, and the service stays ready."""
    publish()
    promote(live, 1)
    publish(spoil=damage)
    refused = promote(live, 2)

    assert (refused.status_code, "Version 2 of model 'films' cannot be used" in refused.json()["detail"]) == (409, True)
    assert (answering(live), live.json("GET", f"{MODEL}/aliases/champion")["version"]) == (1, 1)
    assert live.http.get("/readyz").status_code == 200
    assert promote(live, 9).json()["errors"][0]["pointer"] == "/version"


def test_a_champion_that_broke_gives_way_to_the_one_before(settings: Settings, live: LiveServer, publish: Publish) -> None:
    """A service that starts on a champion whose files changed meanwhile answers by the version that was champion before."""
    publish()
    folder = publish()
    promote(live, 1)
    promote(live, 2)
    publish()
    damage(folder)
    with LiveServer(settings) as second:
        eventually(lambda: second.http.get("/readyz").status_code == 200)

        assert (answering(second), answering(live)) == (1, 2)


def test_every_other_process_looks_every_second() -> None:
    """So that it follows within two."""
    assert CHECK_S <= 1.0


def test_every_other_process_follows(settings: Settings, live: LiveServer, publish: Publish) -> None:
    """A second API on the same database answers by the new champion without being told."""
    publish()
    publish()
    promote(live, 2)
    with LiveServer(settings) as second:
        assert answering(second) == 2
        promote(live, 1)
        eventually(lambda: answering(second) == 1)


def traffic(live: LiveServer, **plan: Any) -> httpx.Response:
    """Put a plan."""
    return live.http.put(f"{MODEL}/traffic", json=plan, headers={"if-match": "*"})


def test_a_canary_answers_its_share_and_nobody_twice_differently(live: LiveServer, publish: Publish) -> None:
    """Of 200 keys about 30 percent meet the canary, each key always the same version; whole numbers go one way altogether."""
    publish()
    publish()
    promote(live, 1)
    assert traffic(live, canary={"version": 2, "percent": 30.0}).status_code == 200
    first, second = ([answering(live, **{"sticky-key": f"user-{number}"}) for number in range(200)] for _ in range(2))
    traffic(live, canary={"version": 2, "percent": 100.0})

    assert first == second
    assert 35 <= first.count(2) <= 85  # 60 expected, four standard deviations of 6.5
    assert answering(live, **{"sticky-key": "user-1"}) == 2


def test_a_person_is_known_by_a_field(live: LiveServer, publish: Publish) -> None:
    """The value of the plan's field keeps a person on one side, in scores and recommendations alike."""
    publish()
    publish()
    promote(live, 1)
    traffic(live, canary={"version": 2, "percent": 50.0}, sticky_field="user")
    asked: dict[str, Any] = {"context": {"user": "ada"}, "k": 1}
    versions = {live.json("POST", f"{MODEL}/recommend", json=asked)["version"] for _ in range(10)}

    assert versions == {answering(live)}


def test_a_plan_names_versions_that_load(live: LiveServer, publish: Publish) -> None:
    """Another version is pointed at; a broken one conflicts; an unknown part is no part; the plan in force stays."""
    publish()
    publish(spoil=damage)
    unknown = traffic(live, canary={"version": 9, "percent": 5.0})
    broken = traffic(live, shadows=[2])

    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"], broken.status_code) == (422, "/canary/version", 409)
    assert traffic(live, canery={}).status_code == 422
    assert live.json("GET", f"{MODEL}/traffic")["revision"] == 0


def test_a_version_says_where_it_came_from(live: LiveServer, publish: Publish) -> None:
    """Data set, search, recipe and seed."""
    publish()
    lineage = live.json("GET", f"{MODEL}/versions/1")
    search = live.json("GET", f"/v1/searches/{lineage['search_id']}")

    assert (lineage["dataset_id"], lineage["dataset_name"], lineage["seed"]) == (search["dataset_id"], "clicks", 0)
    assert live.http.get(f"{MODEL}/versions/2").status_code == 404


@pytest.mark.slow
def test_fifty_swaps_under_load_fail_no_request(live: LiveServer, publish: Publish) -> None:
    """Four clients ask without a pause while the champion changes fifty times, each time after more of them were answered: every answer is
    right, and memory stays flat."""
    for _ in range(2):
        publish()
    promote(live, 1)
    stop, statuses, wrong = threading.Event(), Counter[int](), []

    def ask() -> None:
        with httpx.Client(base_url=live.url, timeout=HANG_S) as client:
            while not stop.is_set():
                answer = client.post(f"{MODEL}/score", json={"rows": rows()[:1]})
                statuses[answer.status_code] += 1
                if answer.is_success and round(answer.json()["scores"][0]["logit"], 4) != LOGITS["ada"]["m1"]:
                    wrong.append(answer.text)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    memory = []
    for swap in range(50):
        seen = statuses.total()
        eventually(lambda seen=seen: statuses.total() >= seen + 3)  # type: ignore[misc]
        assert promote(live, 1 + (swap + 1) % 2).status_code == 200
        if swap in (9, 49):
            gc.collect()
            memory.append(psutil.Process().memory_info().rss)
    stop.set()
    for client in clients:
        client.join()

    assert (set(statuses), wrong) == ({200}, [])
    assert statuses[200] >= 150
    assert memory[1] - memory[0] < 32 * 2**20


@pytest.mark.parametrize("path", ["aliases", "aliases/champion", "aliases/champion/history", "traffic", "versions/1"])
def test_a_model_that_does_not_exist_has_nothing(live: LiveServer, path: str) -> None:
    """404 for each."""
    assert live.http.get(f"/v1/models/nothing/{path}").status_code == 404


def test_a_version_with_a_group_that_fails_is_not_let_in(live: LiveServer, publish: Publish) -> None:
    """The shared model may keep a version answering, but nobody can promote such a version, or give it traffic."""
    publish()
    promote(live, 1)
    publish(spoil=torn)
    refused, canary = promote(live, 2), traffic(live, canary={"version": 2, "percent": 5})

    assert (refused.status_code, canary.status_code) == (409, 409)
    assert "Group 1" in refused.json()["detail"]
    assert answering(live) == 1


def test_canary_and_shadows_of_some_groups(live: LiveServer, publish: Publish) -> None:
    """A canary of group 1 answers all of bob's requests and none of ada's; shadows of group 0 answer ada's alone; a group that the
    champion does not have is pointed at."""
    for _ in range(3):
        publish()
    promote(live, 1)
    plan = {"canary": {"version": 2, "percent": 100, "groups": [1]}, "shadows": [3], "shadow_groups": [0]}
    other = {"canary": {"version": 2, "percent": 100, "groups": [2]}}
    for pointer, wrong in (("/canary/groups", other), ("/shadow_groups", {"shadow_groups": [7]})):
        refused = traffic(live, **{**plan, **wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    put = traffic(live, **plan).json()
    assert (put["canary"]["groups"], put["shadow_groups"]) == ([1], [0])

    asked = {user: live.json("POST", f"{MODEL}/recommend", json={"context": {"user": user}})["version"] for user in ("ada", "bob")}
    scored = {user: live.json("POST", f"{MODEL}/score", json={"rows": [{"user": user}]})["version"] for user in ("ada", "bob")}
    assert asked == scored == {"ada": 1, "bob": 2}
    assert eventually(lambda: [(one["version"], one["requests"]) for one in live.json("GET", f"{MODEL}/online")["shadows"]] == [(3, 2)])


def test_a_version_in_use_is_not_deleted(live: LiveServer, publish: Publish) -> None:
    """Newest, champion, canary and shadow: 409 says why, and all answer as before."""
    for _ in range(5):
        publish()
    newest = live.http.delete(f"{MODEL}/versions/5")
    promote(live, 1)
    traffic(live, canary={"version": 2, "percent": 5}, shadows=[3])
    refused = [live.http.delete(f"{MODEL}/versions/{number}") for number in (1, 2, 3)]
    gone = [live.http.delete(f"{MODEL}/versions/{number}").status_code for number in (4, 5, 4)]

    assert (newest.status_code, "the newest" in newest.json()["detail"]) == (409, True)
    assert [one.status_code for one in refused] == [409, 409, 409]
    assert [word in one.json()["detail"] for one, word in zip(refused, ("champion", "canary", "shadow"), strict=True)] == [True] * 3
    assert gone == [200, 200, 404]
    assert [one["version"] for one in live.json("GET", MODEL)["versions"]] == [3, 2, 1]


def test_a_deleted_version_answers_no_more(settings: Settings, live: LiveServer, publish: Publish) -> None:
    """Here at once, in another process within a second; its bundle goes, its data set's lineage of others stays, its number too."""
    folder = publish()
    publish()
    promote(live, 2)
    path = f"{MODEL}/score?version=1"
    with LiveServer(settings) as second:
        assert [one.http.post(path, json={"rows": []}).status_code for one in (live, second)] == [200, 200]
        assert live.json("DELETE", f"{MODEL}/versions/1")["deleted"] == "films/1"
        assert (live.http.post(path, json={"rows": []}).status_code, folder.exists()) == (404, False)
        eventually(lambda: second.http.post(path, json={"rows": []}).status_code == 404)
        assert (answering(live), answering(second)) == (2, 2)
    publish()

    assert [one["version"] for one in live.json("GET", MODEL)["versions"]] == [3, 2]
    assert promote(live, 1).status_code == 422


def test_a_rollback_passes_over_a_deleted_version(live: LiveServer, publish: Publish) -> None:
    """Champions were 1, 2 and 3; without 2, the way back leads to 1."""
    for number in (1, 2, 3):
        publish()
        promote(live, number)
    assert live.http.delete(f"{MODEL}/versions/2").status_code == 200

    assert (live.json("POST", f"{MODEL}/rollback", json={})["version"], answering(live)) == (1, 1)


def test_lineage_outlives_the_data_set(live: LiveServer, publish: Publish) -> None:
    """Its name and digest are told for as long as a version names it."""
    publish()
    before = live.json("GET", f"{MODEL}/versions/1")
    live.json("DELETE", f"/v1/datasets/{before['dataset_id']}")

    assert live.json("GET", f"{MODEL}/versions/1") == before


def test_two_preconditions_exclude_each_other(live: LiveServer, publish: Publish) -> None:
    """422: a change that expects a revision and that there is none cannot be right."""
    publish()
    answer = live.http.put(f"{MODEL}/aliases/next", json={"version": 1}, headers={**FIRST, "if-match": '"7"'})

    assert answer.status_code == 422
    assert live.json("GET", f"{MODEL}/aliases")["aliases"] == []


def test_an_alias_is_deleted_and_its_version_after_it(live: LiveServer, publish: Publish) -> None:
    """Whoever expects another revision is refused; then nothing holds the version any more."""
    for _ in range(2):
        publish()
    promote(live, 2)
    live.json("PUT", f"{MODEL}/aliases/next", json={"version": 1}, headers=FIRST)

    assert live.http.delete(f"{MODEL}/versions/1").status_code == 409
    assert live.http.delete(f"{MODEL}/aliases/next", headers={"if-match": '"4"'}).status_code == 412
    assert live.json("DELETE", f"{MODEL}/aliases/next", params={"reason": "Old."}) == {"deleted": "films/next", "bytes": 0}
    assert live.http.delete(f"{MODEL}/aliases/next").status_code == 404
    assert live.http.delete(f"{MODEL}/aliases/champion").status_code == 409
    assert [one["alias"] for one in live.json("GET", f"{MODEL}/aliases")["aliases"]] == ["champion"]
    assert live.http.delete(f"{MODEL}/versions/1").status_code == 200
