"""Searches over HTTP: submitted once, followed live, stopped, resumed, and what they found."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from ihas.config.learning import LearningConfig
from ihas_pipelines.runs.progress import Progress
from ihas_service.http.routes.searches import read_search
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


def submit(live: LiveServer, dataset_id: str, name: str = "films", key: str | None = None, **body: Any) -> httpx.Response:
    """The answer to a submitted search."""
    headers = {} if key is None else {"idempotency-key": key}
    return live.http.post("/v1/searches", json={"name": name, "dataset_id": dataset_id, **body}, headers=headers)


def submitted(live: LiveServer, dataset_id: str, name: str = "films") -> str:
    """Id of a submitted search."""
    return str(submit(live, dataset_id, name).json()["id"])


def stream(live: LiveServer, search_id: str, last_event_id: int | None = None) -> list[tuple[int, str]]:
    """Number and state of every event until the stream ends."""
    headers = {} if last_event_id is None else {"last-event-id": str(last_event_id)}
    with live.http.stream("GET", f"/v1/searches/{search_id}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = list(response.iter_lines())
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [event["id"] for event in events] == numbers
    return [(event["id"], event["state"]) for event in events]


def done(live: LiveServer, search_id: str) -> Any:
    """The search once it has finished."""
    return eventually(lambda: one if (one := live.json("GET", f"/v1/searches/{search_id}?wait=20"))["state"] in ENDS else None)


def test_a_submitted_search_says_where_to_look(live: LiveServer, valid_dataset: str) -> None:
    """202 with Location and Retry-After; settings left out have their defaults."""
    response = submit(live, valid_dataset, learning={"seed": 7})
    search = live.http.get(response.headers["location"])

    assert (response.status_code, response.headers["retry-after"], search.headers["retry-after"]) == (202, "1", "1")
    assert (search.json()["state"], search.json()["progress"], search.json()["attempt"]) == ("queued", 0.0, 0)
    assert search.json()["created_at"].endswith("Z")


def test_what_is_learnt_reaches_the_recipe(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """The job keeps the whole settings, defaults filled in."""
    search_id = submit(live, valid_dataset, learning={"seed": 7}).json()["id"]

    assert LearningConfig.model_validate(store.job(search_id).settings["learning"]) == LearningConfig(seed=7)


def test_the_same_request_twice_is_one_search(live: LiveServer, valid_dataset: str) -> None:
    """The same key with the same body, defaults spelled out or not; another body is refused."""
    first = submit(live, valid_dataset, key="k1")
    again = submit(live, valid_dataset, key="k1", learning={"seed": 0})
    other = submit(live, valid_dataset, key="k1", learning={"seed": 1})

    assert first.json()["id"] == again.json()["id"]
    assert (other.status_code, other.json()["type"]) == (422, "urn:ihas:problem:key-reused")
    assert len(live.json("GET", "/v1/searches")["searches"]) == 1


def test_searches_are_listed_page_by_page(live: LiveServer, valid_dataset: str) -> None:
    """The cursor leads through all of them, newest first, and checks of data sets are not among them."""
    ids = [submitted(live, valid_dataset) for _ in range(3)]
    first = live.json("GET", "/v1/searches?limit=2")
    second = live.json("GET", f"/v1/searches?limit=2&cursor={first['next_cursor']}")

    assert [one["id"] for one in (*first["searches"], *second["searches"])] == ids[::-1]


def test_a_check_of_a_data_set_is_no_search(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """Its id is unknown among searches."""
    assert live.http.get(f"/v1/searches/{store.dataset(valid_dataset).job_id}").status_code == 404


def test_a_search_runs_to_its_result_and_its_report(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """Long poll, result, report, model: all there once it has succeeded, and not before."""
    search_id = submitted(live, valid_dataset)
    before = [live.http.get(f"/v1/searches/{search_id}/{what}").status_code for what in ("result", "report")]
    with RunningWorker(settings):
        search = done(live, search_id)
    report = live.http.get(f"/v1/searches/{search_id}/report")

    assert (before, search["state"], search["model_version"], search["progress"]) == ([409, 409], "succeeded", 1, 1.0)
    assert live.json("GET", f"/v1/searches/{search_id}/result") == {"name": "films", "chosen": "grouped"}
    assert (report.text, report.headers["content-type"]) == ("<!doctype html><title>films</title>", "text/html; charset=utf-8")
    assert "sandbox" in report.headers["content-security-policy"]
    assert live.json("GET", "/v1/models")["models"][0]["search_id"] == search_id


def test_a_result_that_is_gone_is_said_to_be(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """A file that somebody removed is no error of the server."""
    search_id = submitted(live, valid_dataset)
    with RunningWorker(settings):
        done(live, search_id)
    (settings.folder / "searches" / search_id / "report.html").unlink()

    assert live.http.get(f"/v1/searches/{search_id}/report").status_code == 404


def test_a_long_poll_ends_when_its_time_is_over(live: LiveServer, valid_dataset: str) -> None:
    """An unfinished search is answered after the wait, not before; without a wait it would be answered as it is."""
    search_id = submitted(live, valid_dataset)
    began = time.monotonic()

    assert live.json("GET", f"/v1/searches/{search_id}?wait=0.3")["state"] == "queued"
    assert time.monotonic() - began >= 0.3


def test_a_long_poll_ends_when_its_client_leaves(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """Whoever opens many and leaves them costs nothing more: it looks once, and not again."""
    search = store.job(live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})["id"])
    looks: list[None] = []

    async def left() -> Message:
        return {"type": "http.disconnect"}

    async def may_go_on() -> bool:
        assert not looks, "It looked again after its client had left."
        looks.append(None)
        return True

    request = Request({"type": "http", "headers": []}, left)
    found = asyncio.run(read_search(search, request, Response(), live.server.config.app.state.parts, may_go_on, HANG_S))
    assert (found.id, found.state, len(looks)) == (search.id, JobState.QUEUED, 1)


def test_a_running_search_shows_its_heartbeat_and_its_progress(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """What the worker wrote is what is read."""
    search_id = submitted(live, valid_dataset)
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    store.record(job.id, job.token, Progress(stage="searching", message="Epoch 1.", fraction=0.25, eta_s=12.0))
    search = live.json("GET", f"/v1/searches/{search_id}")

    assert (search["state"], search["stage"], search["progress"], search["eta_s"]) == ("running", "search", 0.25, 12.0)
    assert search["message"] == "Epoch 1."
    assert 0.0 <= search["heartbeat_age_s"] <= (store.job(search_id).heartbeat_age_s or 0.0)


def test_events_stream_live_to_the_end(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """A listener that was there first sees every event once, in order, and the stream ends after the last."""
    search_id = submitted(live, valid_dataset)
    found: list[tuple[int, str]] = []
    listener = threading.Thread(target=lambda: found.extend(stream(live, search_id)))
    listener.start()
    with RunningWorker(settings):
        listener.join(HANG_S)

    states = ["queued", *["running"] * 6, "succeeded"]
    assert found == list(enumerate(states, start=1))


def test_events_go_on_after_the_last_one_seen(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """`Last-Event-ID` leaves out what was seen; after the end there is nothing, and the stream ends at once."""
    search_id = submitted(live, valid_dataset)
    with RunningWorker(settings):
        done(live, search_id)

    assert stream(live, search_id, 6) == [(7, "running"), (8, "succeeded")]
    assert stream(live, search_id, 8) == []
    assert live.http.get(f"/v1/searches/{search_id}/events", headers={"last-event-id": "x"}).status_code == 422


def test_many_events_come_in_full(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """More events than are read at once."""
    search_id = submitted(live, valid_dataset)
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    for _ in range(250):
        store.record(job.id, job.token, Progress(stage="searching", message="Epoch.", fraction=0.5))
    store.cancel(job.id)

    assert [number for number, _ in stream(live, search_id)] == list(range(1, 254))


def test_cancel_ends_the_stream_and_the_search(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """202; a second cancel conflicts."""
    search_id = submitted(live, valid_dataset, "slow")
    with RunningWorker(settings):
        eventually(lambda: live.json("GET", f"/v1/searches/{search_id}")["stage"] == "search")
        response = live.http.post(f"/v1/searches/{search_id}/cancel")
        last = stream(live, search_id)[-1]

    assert (response.status_code, response.json()["state"], last[1]) == (202, "cancelled", "cancelled")
    assert live.http.post(f"/v1/searches/{search_id}/cancel").status_code == 409


def test_a_cancelled_search_resumes_and_succeeds(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """On the same folder; a finished one cannot be resumed."""
    search_id = submitted(live, valid_dataset)
    live.json("POST", f"/v1/searches/{search_id}/cancel")
    response = live.http.post(f"/v1/searches/{search_id}/resume")
    with RunningWorker(settings):
        search = done(live, search_id)

    assert (response.status_code, response.json()["state"], search["state"]) == (202, "queued", "succeeded")
    assert live.http.post(f"/v1/searches/{search_id}/resume").status_code == 409


def test_a_failed_search_says_why(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """The child's error arrives as it was, in the search and in its last event."""
    search_id = submitted(live, valid_dataset, "bad")
    with RunningWorker(settings):
        search = done(live, search_id)

    assert (search["state"], search["error"]["code"], search["error"]["detail"]) == ("failed", "data", "No clicks.")


@pytest.mark.parametrize("what", ["events", "wait"])
def test_a_stopping_server_lets_nobody_wait(settings: Settings, store: SqlStore, valid_dataset: str, what: str) -> None:
    """An open stream or long poll ends when the server stops, properly: long before its own time is over, and before the server would
    have ended it by force and unanswered."""
    settings = settings.model_copy(update={"drain_s": 30.0})
    live = LiveServer(settings)
    with live:
        search_id = submitted(live, valid_dataset)
        url = f"{live.url}/v1/searches/{search_id}" + ("/events" if what == "events" else "?wait=60")
        answers: list[int] = []
        listener = threading.Thread(target=lambda: answers.append(httpx.get(url, timeout=HANG_S).status_code))
        tasks = live.server.server_state.tasks
        eventually(lambda: not tasks)  # of requests before
        listener.start()
        eventually(lambda: tasks)
        live.end()
        listener.join()

    assert (answers, store.job(search_id).state) == ([200], JobState.QUEUED)


def test_the_report_is_read_from_the_jobs_own_folder(live: LiveServer, settings: Settings, valid_dataset: str, tmp_path: Path) -> None:
    """An id that looks like a way out of the folder is just unknown."""
    (tmp_path / "report.html").write_text("secret")

    assert live.http.get("/v1/searches/..%2F..%2F/report").status_code == 404


def test_a_deleted_search_is_gone_with_its_folder(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """Refused while it waits; once it is cancelled it goes, and its key stands for a new search."""
    search = submit(live, valid_dataset, key="one").json()["id"]
    path = f"/v1/searches/{search}"
    (folder := settings.folder / "searches" / search).mkdir(parents=True)
    (folder / "log.txt").write_text("Epoch 1.\n")
    refused = live.http.delete(path)
    live.json("POST", f"{path}/cancel")
    gone = live.json("DELETE", path)

    assert (refused.status_code, f"POST {path}/cancel" in refused.json()["detail"]) == (409, True)
    assert (gone["deleted"], folder.exists()) == (search, False)
    assert [live.http.request(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert live.json("GET", "/v1/searches")["searches"] == []
    assert submit(live, valid_dataset, key="one").json()["id"] != search


def test_a_search_whose_version_is_registered_is_not_deleted(live: LiveServer, settings: Settings, valid_dataset: str) -> None:
    """409 names the version, whose bundle lies in its folder; what the run takes was added up by the worker."""
    with RunningWorker(settings):
        search = done(live, submitted(live, valid_dataset))["id"]
    refused = live.http.delete(f"/v1/searches/{search}")

    assert (refused.status_code, "version 1 of model 'films'" in refused.json()["detail"]) == (409, True)
    assert (settings.folder / "searches" / search / "bundle").is_dir()


def test_a_worker_adds_up_what_a_search_left(settings: Settings, store: SqlStore, valid_dataset: str) -> None:
    """Run folder without the bundle, and the bundle as the version's: together what lies there; then the quota refuses the next search."""
    with RunningWorker(settings), LiveServer(settings) as live:
        search = done(live, submitted(live, valid_dataset))["id"]
        total = eventually(lambda: sum(one.stat().st_size for one in (settings.folder / "searches" / search).rglob("*") if one.is_file()))
        kept = eventually(lambda: (store.job(search).bytes,) if store.job(search).bytes is not None else None)
    bundle = store.versions("films")[0].bytes
    with LiveServer(settings.model_copy(update={"max_search_bytes_per_tenant": total})) as live:
        refused = submit(live, valid_dataset)
        estimate = live.http.post("/v1/searches/estimate", json={"dataset_id": valid_dataset})

    assert kept[0] + bundle == total
    assert (refused.status_code, refused.json()["type"], estimate.status_code) == (413, "urn:ihas:problem:quota-exceeded", 413)
    assert f"{total} bytes of the {total} of IHAS_MAX_SEARCH_BYTES_PER_TENANT" in refused.json()["detail"]
