"""Health and figures."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from service.jobs.sql_store import SqlStore
from tests.service.live import LiveServer


def figure(live: LiveServer, name: str, **labels: str) -> float | None:
    """The value of one sample of `/metrics`."""
    families = text_string_to_metric_families(live.http.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return next((sample.value for sample in samples if sample.name == name and sample.labels == labels), None)


def test_a_running_process_is_alive_and_ready(live: LiveServer) -> None:
    """Without models there is nothing that could be unfit."""
    assert live.json("GET", "/livez") == {"status": "alive", "models": {}}
    assert live.json("GET", "/readyz") == {"status": "ready", "models": {}}


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
    assert figure(live, "ihas_jobs", state="validating") == 1.0
    assert figure(live, "ihas_jobs", state="failed") == 0.0
    assert figure(live, "ihas_children") == 1.0
