"""Traces arrive at a collector, from the request to the job; without a collector nothing of them is there."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ihas_service.client.client import Client
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish, RunningWorker, eventually, finished
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WITHOUT = """
import sys
from pathlib import Path
from ihas_service.app import create_app
from ihas_service.jobs import worker
from ihas_service.settings import Settings
create_app(Settings(folder=Path(sys.argv[1]))).state.parts.store.close()
sys.exit(any(name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")) for name in sys.modules))
"""


@dataclass
class Collector:
    """A server that speaks OTLP over HTTP.

    Attributes:
        url: where spans are sent.
        spans: what arrived, with the name of the service that sent it.
    """

    url: str = ""
    spans: list[tuple[str, Any]] = field(default_factory=list)

    def named(self, name: str) -> list[tuple[str, Any]]:
        """The spans of a name."""
        return [(service, span) for service, span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a loopback port."""
    found = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            for one in body.resource_spans if self.path == "/v1/traces" else ():
                service = next(each.value.string_value for each in one.resource.attributes if each.key == "service.name")
                found.spans.extend((service, span) for scope in one.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def attributes(span: Any) -> dict[str, Any]:
    """What a span says, as a dict."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_job_hangs_below_the_request_that_submitted_it(
    settings: Settings, store: SqlStore, valid_dataset: str, collector: Collector
) -> None:
    """The caller's trace goes through the API to the worker, each under its own name, and a refusal is told as one."""
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    with LiveServer(traced) as live, RunningWorker(traced):
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "idempotency-key": "one"}
        search = live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset}, headers=headers)
        finished(store, search["id"])
        live.http.get("/v1/searches/sr_0")
    ((api, request),) = eventually(lambda: collector.named("POST /v1/searches"))
    ((worker, job),) = eventually(lambda: collector.named("job search"))
    ((_, refused),) = eventually(lambda: collector.named("GET /v1/searches/{search_id}"))

    assert (api, worker) == ("ihas-api", "ihas-worker")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert (job.trace_id.hex(), job.parent_span_id) == (TRACE, request.span_id)
    assert (attributes(job)["ihas.job.id"], attributes(job)["ihas.job.attempt"]) == (search["id"], 1)
    assert (attributes(request)["http.response.status_code"], attributes(refused)["http.response.status_code"]) == (202, 404)


def test_a_span_that_is_none_begins_a_trace(settings: Settings, publish: Publish, collector: Collector) -> None:
    """Scores have spans too, and nonsense in the header is not followed."""
    publish()
    with LiveServer(settings.model_copy(update={"otlp_endpoint": collector.url})) as live:
        live.json("POST", "/v1/models/films/score", json={"rows": [{"user": "ada"}]}, headers={"traceparent": "nonsense"})
    ((_, span),) = eventually(lambda: collector.named("POST /v1/models/{name}/score"))

    assert span.parent_span_id == b""


def test_a_collector_that_is_away_harms_nobody(settings: Settings, publish: Publish) -> None:
    """Answers come as before."""
    publish()
    with LiveServer(settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:9"})) as live, Client(live.url) as client:
        assert client.score("films", [{"user": "ada"}])["scores"]


@pytest.mark.slow
def test_without_a_collector_nothing_is_imported(tmp_path: Path) -> None:
    """Neither by the API nor by the worker; what FastAPI does with an interface that it finds is its own matter."""
    assert subprocess.run([sys.executable, "-c", WITHOUT, str(tmp_path)], check=False).returncode == 0
