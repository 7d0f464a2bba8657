"""Exploration and off-policy estimates over HTTP: what a version that never served would have earned is found from what was served."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import GoldenRows
from ihas_service.client.client import Client
from ihas_service.http.routes.scoring import HotRoute, RecommendEndpoint
from tests.ihas.bundle_factory import small_bundle
from tests.service.conftest import Publish
from tests.service.keyed import NewKey
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell, shell  # noqa: F401 - a fixture

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"
ESTIMATES = f"{MODEL}/online/off-policy"
RATES = {"m1": 0.1, "m2": 0.3, "m3": 0.6}
"""How often each film is clicked, wherever it stands."""


def reversed_for_bob(folder: Path) -> None:
    """A bundle that shows bob m3, m2, m1."""
    bundle = small_bundle()
    second = dataclasses.replace(bundle.models[1], table=np.array([0, 0, 1, 2, 0, 0, 3, 2, 1], np.float32))
    logits = bundle.golden.logits.copy()
    logits[3:] = [-1.0, 0.0, 1.0]
    golden = GoldenRows(bundle.golden.ids, bundle.golden.group, logits)
    shutil.rmtree(folder)
    write_bundle(dataclasses.replace(bundle, models=(bundle.models[0], second), golden=golden), folder)


def draws_are_seeded(live: LiveServer) -> None:
    """The service draws the same orders in every run of a test."""
    for route in live.server.config.app.router.routes:  # type: ignore[union-attr]
        if isinstance(route, HotRoute) and isinstance(route.endpoint, RecommendEndpoint):
            route.endpoint._generator = np.random.default_rng(7)


def explore(live: LiveServer, percent: float, **more: Any) -> Any:
    """The plan of traffic."""
    plan = {"explore": {"percent": percent, "pool": 3}, **more}
    return live.json("PUT", f"{MODEL}/traffic", json=plan, headers={"if-match": "*"})


def ask(live: LiveServer, k: int = 2, query: str = "", **asked: Any) -> Any:
    """An answer for bob."""
    return live.json("POST", f"{MODEL}/recommend{query}", json={"context": {"user": "bob"}, "k": k, **asked})


def report(live: LiveServer, clicks: list[tuple[str, str]]) -> None:
    """Clicks, by answer and item."""
    events = [{"recommendation_id": answer, "item_id": item, "kind": "click"} for answer, item in clicks]
    for first in range(0, len(events), 1_000):
        assert live.json("POST", "/v1/events", json={"events": events[first : first + 1_000]})["rejected"] == []


@pytest.mark.slow
def test_a_version_that_never_served_is_estimated(live: LiveServer, publish: Publish) -> None:
    """Version 1 shows bob m1 and m2, which earn .4 clicks an answer; version 2 would show m3 and m2, which earn .9. Half the orders of
    800 answers are drawn: every 99 % interval holds .9, and none holds .4; of version 1 they hold .4 and not .9."""
    publish()
    publish(spoil=reversed_for_bob)
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    explore(live, 50.0)
    draws_are_seeded(live)
    generator, answers = np.random.default_rng(5), [ask(live) for _ in range(800)]
    clicks = [(one["recommendation_id"], item["id"]) for one in answers for item in one["items"] if generator.random() < RATES[item["id"]]]
    report(live, clicks)
    with Client(live.url) as client:
        second, first = (client.off_policy("films", version, open=True, confidence=0.99) for version in (2, 1))

    assert (second["version"], second["answers"], second["left_out"]) == (2, 800, 0)
    assert second["explored"] == sum(one["explored"] for one in answers) > 350
    assert second["served"]["value"] == pytest.approx(len(clicks) / 800)
    for name in ("ips", "snips", "doubly_robust"):
        assert second[name]["low"] < 0.9 < second[name]["high"], name
        assert first[name]["low"] < 0.4 < first[name]["high"], name
        assert second[name]["low"] > 0.4
        assert first[name]["high"] < 0.9


def test_what_was_drawn_is_logged_with_its_chance(live: LiveServer, publish: Publish) -> None:
    """The answer says that it was explored, and so do its rows: 1/3 at each rank where every order is drawn. Requests that name a version,
    keep a rule or ask for too much are answered as ever."""
    publish()
    explore(live, 100.0)
    answers = [ask(live) for _ in range(20)]
    plain = [ask(live, query="?version=1"), ask(live, diversity={"field": "genres", "at_most": 5}), ask(live, k=101)]
    report(live, [(one["recommendation_id"], item["id"]) for one in (*answers, *plain) for item in one["items"]])
    exported = live.http.get(f"{MODEL}/events/export", params={"open": "true", "format": "jsonl", "details": "true"})
    rows = [json.loads(line) for line in exported.text.splitlines()]
    of_drawn = [row for row in rows if row["explored"]]

    assert [one["explored"] for one in (*answers, *plain)] == [True] * 20 + [False] * 3
    assert len({tuple(item["id"] for item in one["items"]) for one in answers}) > 2
    assert all([item["rank"] for item in one["items"]] == [1, 2] for one in answers)
    assert [row["propensity"] for row in of_drawn] == pytest.approx([1 / 3] * 40)
    assert {row["propensity"] for row in rows if not row["explored"]} == {1.0}
    assert live.json("GET", ESTIMATES, params={"open": "true"})["answers"] == 20


def test_a_share_of_0_draws_nothing(live: LiveServer, publish: Publish) -> None:
    """The answers are the ranking, nothing is kept of chance, and estimates say what is missing; the plan shows the share."""
    publish()
    assert live.json("GET", f"{MODEL}/traffic")["explore"] is None
    assert explore(live, 0.0)["explore"] == {"percent": 0.0, "pool": 3}
    answers = [ask(live) for _ in range(5)]
    refused = live.http.get(ESTIMATES, params={"open": "true"})

    assert {tuple(item["id"] for item in one["items"]) for one in answers} == {("m1", "m2")}
    assert not any(one["explored"] for one in answers)
    assert (refused.status_code, "Set `explore` of its traffic" in refused.json()["detail"]) == (409, True)


def test_a_canary_and_an_interleaved_list(live: LiveServer, publish: Publish) -> None:
    """Canaries explore like the champion, and answers count in their trial; a list of two versions is never drawn."""
    for _ in range(2):
        publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    explore(live, 100.0, canaries=[{"version": 2, "percent": 100}])
    assert {(one["version"], one["explored"]) for one in (ask(live) for _ in range(5))} == {(2, True)}
    assert live.json("GET", f"{MODEL}/online")["trial"]["arms"][1]["answers"] == 5
    explore(live, 100.0, interleave={"version": 2, "percent": 100})

    assert {one["explored"] for one in (ask(live) for _ in range(5))} == {False}


@pytest.mark.parametrize("explore", [{"percent": 101}, {"percent": "nan"}, {"percent": 5, "pool": 1}, {"percent": 5, "pool": 101}, {}])
def test_shares_that_mean_nothing_are_refused(live: LiveServer, publish: Publish, explore: dict[str, Any]) -> None:
    """Above 100, no number, a pool of one or of more than is kept, none."""
    publish()
    assert live.http.put(f"{MODEL}/traffic", json={"explore": explore}, headers={"if-match": "*"}).status_code == 422


def test_questions_that_cannot_be_asked(guarded: LiveServer, publish: Publish, new_headers: NewKey) -> None:
    """Another tenant's model is unknown; a version that is not there, a rule that is none, limits."""
    publish()
    own, other = new_headers(), new_headers("acme")
    status = {
        asked: guarded.http.get(f"{ESTIMATES}?{asked}", headers=own).status_code
        for asked in ("", "version=9", "positive=%3E%3E", "answers=20001", "confidence=1", "within_s=0", "colour=red")
    }

    assert status == {"": 409, "version=9": 404, "positive=%3E%3E": 422, **dict.fromkeys(list(status)[3:], 422)}
    assert guarded.http.get(ESTIMATES, headers=other).status_code == 404


def test_the_command_line_explores_and_estimates(shell: Shell, live: LiveServer, publish: Publish) -> None:  # noqa: F811 - a fixture
    """A share alone leaves the rest of the plan; a change of the rest leaves the share; `--clear` ends both."""
    for _ in range(2):
        publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    shell("model", "traffic", "films", "--canary", "2=5")
    both = shell("model", "traffic", "films", "--explore", "100", "--pool", "3")
    kept = shell("model", "traffic", "films", "--canary", "2=0")
    for _ in range(4):
        ask(live)

    assert (both["canary"]["percent"], both["explore"], kept["explore"]) == (5.0, {"percent": 100.0, "pool": 3}, both["explore"])
    assert "explored: 100 % of the lists in random order, of 3 items" in shell.shown("model", "traffic", "films")
    told = shell.shown("model", "off-policy", "films", "--version", "1", "--open")
    assert "Version 1 on 4 answers, 4 of them in random order; 0 left out." in told
    assert all(word in told for word in ("as served", "IPS", "SNIPS", "doubly robust"))
    assert shell("model", "traffic", "films", "--clear")["explore"] is None
