"""Health and figures."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.ihas.bundle_factory import rows
from tests.ihas.serving.fallback_bundle import SHARED, torn
from tests.service.conftest import Publish, damage, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def figure(live: LiveServer, name: str, **labels: str) -> float | None:
    """The value of one sample of `/metrics`."""
    families = text_string_to_metric_families(live.http.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return next((sample.value for sample in samples if sample.name == name and sample.labels == labels), None)


def test_a_running_process_is_alive_and_ready(live: LiveServer) -> None:
    """Without models there is nothing that could be unfit."""
    eventually(lambda: live.http.get("/readyz").is_success)

    assert live.json("GET", "/livez") == {"status": "alive", "models": {}, "degraded": {}}
    assert live.json("GET", "/readyz") == {"status": "ready", "models": {}, "degraded": {}}


def test_at_the_start_it_is_not_ready_until_every_model_was_checked(
    settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 while a bundle is being read, 200 with its version afterwards, and nobody had to ask for the model."""
    publish()
    go = threading.Event()

    def slow(folder: Path) -> GroupedRecommender:
        assert go.wait(HANG_S)
        return load_recommender(folder)

    monkeypatch.setattr("ihas_service.models.registry.load_recommender", slow)
    with LiveServer(settings) as live:
        before = live.http.get("/readyz")
        go.set()
        eventually(lambda: live.http.get("/readyz").is_success)

        assert (before.status_code, before.json()["type"]) == (503, "urn:ihas:problem:loading")
        assert live.json("GET", "/readyz") == {"status": "ready", "models": {"films": 1}, "degraded": {}}


def test_a_model_of_which_no_version_serves_is_named(live: LiveServer, publish: Publish) -> None:
    """The other one, whose newest version is broken too, is not: its older version serves."""
    publish("songs")
    publish("songs", spoil=damage)
    publish("films", spoil=damage)
    eventually(lambda: "films" in live.http.get("/readyz").json().get("detail", ""))
    problem = live.http.get("/readyz").json()

    assert (problem["status"], problem["detail"], len(problem["errors"])) == (503, "No version can be used of 'films'.", 1)
    assert live.json("POST", "/v1/models/songs/score", json={"rows": []})["version"] == 1


def test_requests_of_every_status_are_counted_under_their_route(live: LiveServer) -> None:
    """Paths with ids share a label, and paths that nobody knows share one too."""
    for path in ("/livez", "/v1/searches/sr_1", "/v1/searches/sr_2", "/nothing/1", "/nothing/2"):
        live.http.get(path)
    live.http.delete("/livez")
    live.http.request("PROPFIND", "/livez")

    assert figure(live, "ihas_requests_total", route="/livez", method="GET", status="200") == 1.0
    assert figure(live, "ihas_requests_total", route="/v1/searches/{search_id}", method="GET", status="404") == 2.0
    assert figure(live, "ihas_requests_total", route="unmatched", method="GET", status="404") == 2.0
    assert figure(live, "ihas_requests_total", route="/livez", method="DELETE", status="405") == 1.0
    assert figure(live, "ihas_requests_total", route="/livez", method="other", status="405") == 1.0
    assert figure(live, "ihas_request_seconds_count", route="/v1/searches/{search_id}", method="GET") == 2.0


def test_jobs_and_children_are_counted(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """One search waits, one is being carried out."""
    for _ in range(2):
        live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})
    store.claim("ada", 60.0, 3)

    assert figure(live, "ihas_jobs", state="queued") == 1.0
    assert figure(live, "ihas_jobs", state="running") == 1.0
    assert figure(live, "ihas_running_jobs", stage="reading") == 1.0
    assert figure(live, "ihas_jobs", state="failed") == 0.0
    assert figure(live, "ihas_children") == 1.0


def test_a_group_that_falls_back_is_told_and_counted(live: LiveServer, publish: Publish) -> None:
    """One group's graph is torn: answers go on, by the shared model for that group, readiness is `degraded`, and figures count it."""
    publish(spoil=torn)
    eventually(lambda: live.http.get("/readyz").json().get("models"))
    answer = live.json("POST", "/v1/models/films/score", json={"rows": rows()})
    found = live.json("POST", "/v1/models/films/recommend", json={"context": {"user": "bob"}})

    assert live.json("GET", "/readyz") == {"status": "degraded", "models": {"films": 1}, "degraded": {"films": [1]}}
    assert [row["logit"] for row in answer["scores"][3:]] == pytest.approx([SHARED["bob"]] * 3)
    assert answer["degraded_groups"] == found["degraded_groups"] == [1]
    version = {"tenant": "local", "model": "films", "version": "1"}
    assert figure(live, "ihas_degraded_groups", **version) == 1.0
    assert figure(live, "ihas_fallback_rows_total", **version) == 6.0
