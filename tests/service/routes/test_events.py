"""Events over HTTP: what belongs to an answer counts, for its group and version."""

from __future__ import annotations

from typing import Any

from service.settings import Settings
from tests.service.conftest import Publish, eventually
from tests.service.live import LiveServer

MODEL = "/v1/models/films"


def recommended(live: LiveServer) -> dict[str, Any]:
    """An answer with two items."""
    answer: dict[str, Any] = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}, "k": 2})
    return answer


def event(answer: dict[str, Any], item: str, kind: str) -> dict[str, str]:
    """Something that a person did with an item of the answer."""
    return {"recommendation_id": answer["recommendation_id"], "item_id": item, "kind": kind}


def test_clicks_on_a_recommendation_count_at_once(live: LiveServer, publish: Publish) -> None:
    """Reported right after the answer; the figures are those of the items' groups and scores."""
    publish()
    answer = recommended(live)
    first, second = answer["items"]
    events = [event(answer, first["id"], "impression"), event(answer, second["id"], "impression"), event(answer, first["id"], "click")]
    report = live.json("POST", "/v1/events", json={"events": events})
    groups = live.json("GET", f"{MODEL}/online")["groups"]

    assert report == {"accepted": 3, "rejected": []}
    assert (sum(group["impressions"] for group in groups), sum(group["clicks"] for group in groups)) == (2, 1)
    clicked = next(group for group in groups if group["clicks"])
    assert (clicked["group"], clicked["version"]) == (first["group"], 1)


def test_an_event_that_belongs_to_nothing_is_named(live: LiveServer, publish: Publish) -> None:
    """An unknown answer and an item that it did not hold, each by its place; the others count."""
    publish()
    answer = recommended(live)
    known = event(answer, answer["items"][0]["id"], "click")
    report = live.json("POST", "/v1/events", json={"events": [{**known, "recommendation_id": "rc_0"}, known, {**known, "item_id": "m9"}]})

    assert (report["accepted"], [one["index"] for one in report["rejected"]]) == (1, [0, 2])
    assert live.http.post("/v1/events", json={"events": [known] * 1_001}).status_code == 422


def test_answers_survive_a_restart(settings: Settings, publish: Publish) -> None:
    """What was recommended before the service stopped can be reported after it came back."""
    publish()
    with LiveServer(settings) as first:
        answer = recommended(first)
    with LiveServer(settings) as second:
        report = second.json("POST", "/v1/events", json={"events": [event(answer, answer["items"][0]["id"], "click")]})

    assert report["accepted"] == 1


def test_a_shadow_answers_unheard_and_is_compared(live: LiveServer, publish: Publish) -> None:
    """The same bundle as a shadow differs by nothing; the answers say the champion's version."""
    publish()
    publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    live.json("PUT", f"{MODEL}/traffic", json={"shadows": [2]}, headers={"if-match": "*"})
    versions = {recommended(live)["version"] for _ in range(5)}
    live.json("POST", f"{MODEL}/score", json={"rows": [{"user": "ada", "movie": "m1"}]})
    shadows = eventually(lambda: found if (found := live.json("GET", f"{MODEL}/online")["shadows"]) and found[0]["requests"] == 6 else None)

    assert versions == {1}
    assert (shadows[0]["version"], shadows[0]["failures"], shadows[0]["mean_difference"]) == (2, 0, 0.0)
