"""Estimates over HTTP: asked, carried out before searches, read."""

from __future__ import annotations

from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer


def test_an_estimate_is_ready_before_the_search_that_waits(
    live: LiveServer, settings: Settings, store: SqlStore, valid_dataset: str
) -> None:
    """A search was submitted first; the worker estimates first. No model comes out of it, and it is no search."""
    live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})
    asked = live.http.post("/v1/searches/estimate", json={"dataset_id": valid_dataset, "learning": {"seed": 2}})
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    store.release(job.id, job.token)
    with RunningWorker(settings):
        found = eventually(lambda: one if (one := live.json("GET", asked.headers["location"]))["state"] == "succeeded" else None)

    assert (asked.status_code, asked.json()["estimate"], job.id) == (202, None, asked.json()["id"])
    assert (found["estimate"]["seconds_high"], found["estimate"]["advice"]) == (3.0, "Expect little.")
    assert live.http.get(f"/v1/searches/{job.id}").status_code == 404
    assert len(live.json("GET", "/v1/searches")["searches"]) == 1


def test_what_is_no_estimate_is_not_found(live: LiveServer, valid_dataset: str) -> None:
    """A search is none, and neither is nothing."""
    search = live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})

    assert [live.http.get(f"/v1/searches/estimates/{one}").status_code for one in (search["id"], "es_0")] == [404, 404]
