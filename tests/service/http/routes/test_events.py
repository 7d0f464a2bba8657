"""Events over HTTP: what belongs to an answer counts, for its group and version."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle, GoldenRows
from ihas.serving.answers import RecommendedItem, RecommendRequest
from ihas_service.models.registry import Registry
from ihas_service.models.response_log import Chosen, ResponseLog
from ihas_service.settings import Settings
from ihas_service.storage.feedback import Feedback, KeptItem
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.bundle_factory import rows, small_bundle
from tests.ihas.serving.grouped.test_observation import referred_bundle, summed_and_referred
from tests.service.conftest import Publish, eventually
from tests.service.http.routes.test_health import figure
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"


def _replaced(folder: Path, bundle: Bundle) -> None:
    shutil.rmtree(folder)
    write_bundle(bundle, folder)


def referred(folder: Path) -> None:
    """A bundle whose training rows were half ada's and half bob's."""
    _replaced(folder, referred_bundle())


def summed(folder: Path) -> None:
    """The same with groups that sums say."""
    _replaced(folder, summed_and_referred())


def one_model(folder: Path) -> None:
    """A bundle of ada's model for everybody, from a search that had found two groups."""
    bundle, ada = small_bundle(), slice(0, 3)
    router = dataclasses.replace(bundle.router, centroids=np.zeros((1, 6), np.float32))
    golden = GoldenRows(bundle.golden.ids[ada], np.zeros(3, np.int32), bundle.golden.logits[ada])
    summary = {"groups": [{"group": 0, "share": 0.3}, {"group": 1, "share": 0.7}]}
    _replaced(
        folder, dataclasses.replace(bundle, router=router, golden=golden, models=bundle.models[:1], model_of_group=(0,), summary=summary)
    )


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


def test_served_rows_are_compared_with_the_training_rows(live: LiveServer, publish: Publish) -> None:
    """Training rows were half ada's and half bob's. Scored: ada three times, one unknown once, far from every group; recommended: three
    films to ada. Six of seven rows are of group 0; figures say so here and in /metrics."""
    publish(spoil=referred)
    live.json("POST", "/v1/models/films/score", json={"rows": [*rows()[:3], {"user": "eve"}]})
    answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}})
    live.json("POST", "/v1/events", json={"events": [event(answer, "m1", "click")]})
    found = live.json("GET", "/v1/models/films/online")

    routing = found["routing"]
    assert (routing["rows"], routing["far_share"], routing["training_far_share"]) == (7, pytest.approx(1 / 7), 0.01)
    assert [group["share"] for group in routing["groups"]] == pytest.approx([6 / 7, 1 / 7])
    assert [group["far_share"] for group in routing["groups"]] == [0.0, 1.0]
    assert routing["group_drift"] == pytest.approx((6 / 7 - 0.5) * math.log(12 / 7) + (1 / 7 - 0.5) * math.log(2 / 7))
    assert set(routing["gate_drift_of_field"]) == {"user", "genres", "movie"}
    version = {"tenant": "local", "model": "films", "version": "1"}
    assert figure(live, "ihas_far_share", **version) == pytest.approx(1 / 7)
    assert figure(live, "ihas_group_drift", **version) == pytest.approx(routing["group_drift"])
    assert figure(live, "ihas_click_through", **version, group="0") == 1.0
    assert figure(live, "ihas_calibration", **version, group="0") == pytest.approx(found["groups"][0]["calibration"])


def test_rows_that_sums_route_are_compared_by_their_margins(live: LiveServer, publish: Publish) -> None:
    """Scored: ada twice, margins 2140 and 1974, and an unknown user, margin 64, below all training rows. No gates are computed."""
    publish(spoil=summed)
    live.json("POST", "/v1/models/films/score", json={"rows": [rows()[0], rows()[2], {"user": "eve"}]})
    routing = eventually(lambda: live.json("GET", "/v1/models/films/online")["routing"])

    assert (routing["rows"], routing["far_share"]) == (3, pytest.approx(1 / 3))
    assert (routing["gate_drift"], routing["gate_drift_of_field"]) == (None, {})
    assert set(routing["margin_drift_of_field"]) == {"user", "genres", "movie"}
    assert routing["margin_drift_of_field"]["user"] == pytest.approx(
        (1 / 3 - 1e-4) * math.log(1 / 3 / 1e-4) + (2 / 3 - 1) * math.log(2 / 3)
    )
    version = {"tenant": "local", "model": "films", "version": "1"}
    assert figure(live, "ihas_margin_drift", **version, field="user") == pytest.approx(routing["margin_drift_of_field"]["user"])


def test_one_model_for_all_has_no_drift_of_groups(live: LiveServer, publish: Publish) -> None:
    """A bundle that routes nothing is not compared with groups that its search once found."""
    publish(spoil=one_model)
    answer = recommended(live)
    live.json("POST", "/v1/events", json={"events": [event(answer, "m1", "impression")]})
    found = live.json("GET", "/v1/models/films/online")

    assert (found["groups"][0]["impressions"], found["drift"], found["routing"]) == (1, None, None)


def test_events_are_taken_of_the_items_that_are_kept(live: LiveServer, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first, here one: an item that stands below is rejected, told why, and other events of the report count."""
    for module in ("ihas_service.models.response_log", "ihas_service.datasets.event_intake"):
        monkeypatch.setattr(f"{module}.KEPT_ITEMS", 1)
    publish()
    answer = recommended(live)
    first, second = (item["id"] for item in answer["items"])
    report = live.json("POST", "/v1/events", json={"events": [event(answer, second, "click"), event(answer, first, "click")]})

    why = f"Of a recommendation the first 1 items are kept, and {second!r} is none of them."
    assert report == {"accepted": 1, "rejected": [{"index": 0, "detail": why}]}


def test_of_ten_thousand_items_the_first_hundred_are_kept(settings: Settings, store: SqlStore, publish: Publish) -> None:
    """In order, with their groups and scores, in about 4 KB, where all of them took 370."""
    publish()
    items = tuple(RecommendedItem(f"m{number}", 0.5, number + 1, number % 2) for number in range(10_000))
    feedback = Feedback(store)
    log = ResponseLog(feedback, 60.0, lambda: None)
    chosen = Chosen(Registry(store, settings.folder).get("films"))
    log.recommended(chosen, RecommendRequest(context={"user": "ada"}), "rc_1", SimpleNamespace(items=items))
    log.flush()
    found = feedback.known("local", ["rc_1"])["rc_1"].items

    assert list(found.items()) == [(f"m{number}", KeptItem(number % 2, 0.5)) for number in range(100)]
    assert 3_000 < feedback.used("local") < 5_000
