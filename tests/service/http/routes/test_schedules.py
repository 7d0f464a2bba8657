"""Schedules over HTTP, and the process of the service that starts what is due."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ihas_service.client.client import AsyncClient, Client
from ihas_service.errors import InvalidError, NotFoundError, StateError
from ihas_service.retention import maintenance
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import ANSWERS, DATASETS, FEEDBACK, SCHEDULES
from tests.service.conftest import Publish, RunningWorker, eventually, finished
from tests.service.http.routes.test_events import event
from tests.service.http.routes.test_refreshes import with_run
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

PATH = "/v1/models/films/schedule"
DAY_S = 86_400.0


def nightly(dataset_id: str, **changes: Any) -> dict[str, Any]:
    """A schedule to put."""
    return {"cron": "0 3 * * *", "zone": "UTC", "refresh": {"dataset_id": dataset_id}, **changes}


def test_a_schedule_is_put_read_listed_and_deleted(live: LiveServer, publish: Publish, valid_dataset: str) -> None:
    """With `ETag` and `If-Match`; what was put is read, and a refused change changes nothing."""
    with_run(publish)
    none = live.http.get(PATH)
    put = live.http.put(PATH, json=nightly(valid_dataset), headers={"if-match": '"0"'})
    stale = live.http.put(PATH, json=nightly(valid_dataset, cron="0 4 * * *"), headers={"if-match": '"0"'})
    read, listed = live.http.get(PATH), live.json("GET", "/v1/schedules")

    assert (none.status_code, put.status_code, put.headers["etag"], stale.status_code) == (404, 200, '"1"', 412)
    assert "PUT /v1/models/films/schedule" in none.json()["detail"]
    assert (read.headers["etag"], read.json(), listed) == ('"1"', put.json(), {"schedules": [put.json()], "next_cursor": None})
    assert datetime.fromisoformat(put.json()["next_at"]).strftime("%H:%M:%S %z") == "03:00:00 +0000"
    assert [put.json()[name] for name in ("missed", "missed_at", "skipped", "last_job_id", "last_error")] == [0, [], 0, None, None]
    assert live.json("GET", "/v1/schedules?limit=1")["next_cursor"] == "films"
    assert live.json("GET", "/v1/schedules?cursor=films")["schedules"] == []
    assert live.json("DELETE", PATH) == {"deleted": "films/schedule", "bytes": 0}
    assert (live.http.delete(PATH).status_code, live.http.get(PATH).status_code) == (404, 404)


def test_another_tenant_has_no_part_in_it(
    guarded: LiveServer, publish: Publish, valid_dataset: str, store: SqlStore, new_headers: NewKey
) -> None:
    """Neither of the model, nor by its own model on another tenant's data set; what it lists is its own."""
    with_run(publish)
    mine, other = new_headers(), new_headers("acme")
    body = nightly(valid_dataset)
    assert guarded.http.put(PATH, json=body, headers=mine).status_code == 200
    asked = [guarded.http.request(method, PATH, json=body, headers=other).status_code for method in ("GET", "PUT", "DELETE")]
    theirs = DATASETS.update().where(DATASETS.c.id == valid_dataset).values(tenant="acme")
    store.write(lambda connection: connection.execute(theirs))

    assert asked == [404, 404, 404]
    assert guarded.json("GET", "/v1/schedules", headers=other) == {"schedules": [], "next_cursor": None}
    assert guarded.http.put(PATH, json=body, headers=mine).status_code == 404
    assert len(guarded.json("GET", "/v1/schedules", headers=mine)["schedules"]) == 1


@pytest.mark.parametrize(
    ("changes", "pointer", "told"),
    [
        ({"cron": "*/5 * * * *"}, "/cron", "10 minutes between two runs"),
        ({"cron": "0 3 * *"}, "/cron", "five fields"),
        ({"cron": "0" * 10_000}, "/cron", ""),
        ({"cron": "\u0660 3 * * *"}, "/cron", "cannot be read"),
        ({"cron": None}, "", "either `cron` or `triggers`, but none is"),
        ({"triggers": {"new_rows": 1}}, "", "both are"),
        ({"cron": None, "triggers": {}}, "/triggers", "states none"),
        ({"cron": None, "triggers": {"new_rows": 1, "pause_s": 60}}, "/triggers/pause_s", ""),
        ({"cron": None, "triggers": {"new_rows": 2**70}}, "/triggers/new_rows", ""),
        ({"cron": None, "triggers": {"click_through_below": 2}}, "/triggers/click_through_below", ""),
        ({"zone": "Mars/Olympus"}, "/zone", "time zone"),
        ({"zone": "../../etc/passwd"}, "/zone", "time zone"),
        ({"zone": "x\0y"}, "/zone", "time zone"),
        ({"every": "day"}, "/every", "There is no `every`"),
        ({"refresh": {"dataset_id": "ds_nothing"}}, None, "There is no data set"),
        ({"refresh": {"dataset_id": "x" * 100}}, "/refresh/dataset_id", ""),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(
    live: LiveServer, publish: Publish, valid_dataset: str, changes: dict[str, Any], pointer: str | None, told: str
) -> None:
    """And nothing is set."""
    with_run(publish)
    answer = live.http.put(PATH, json=nightly(valid_dataset, **changes))
    problem = answer.json()

    assert answer.status_code == (404 if pointer is None else 422), problem
    assert told in json.dumps(problem)
    assert pointer is None or problem["errors"][0]["pointer"] == pointer
    assert live.http.get(PATH).status_code == 404


def test_what_could_not_start_now_is_refused(live: LiveServer, publish: Publish, valid_dataset: str) -> None:
    """A window over no column of times, a model that there is not, a run that cannot be carried on; numbers that are none."""
    run = with_run(publish)
    window = nightly(valid_dataset, refresh={"dataset_id": valid_dataset, "window": {"days": 7}})
    windowless = live.http.put(PATH, json=window)
    unknown = live.http.put("/v1/models/songs/schedule", json=nightly(valid_dataset))
    odd = '{"triggers": {"drift_above": NaN}, "refresh": {"dataset_id": "x"}}'
    number = live.http.put(PATH, content=odd, headers={"content-type": "application/json"})
    (run / "result.json").unlink()
    gone = live.http.put(PATH, json=nightly(valid_dataset))

    assert (windowless.status_code, windowless.json()["errors"][0]["pointer"]) == (422, "/refresh/window")
    assert (unknown.status_code, number.status_code, gone.status_code) == (404, 400, 409)
    assert str(run) not in gone.text


def test_the_service_starts_what_is_due(
    live: LiveServer,
    store: SqlStore,
    settings: Settings,
    publish: Publish,
    valid_dataset: str,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two processes look as they start, one makes the job, a worker carries it out, and the schedule tells what became of it."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    with_run(publish)
    put = live.json("PUT", PATH, json=nightly(valid_dataset))
    due = SCHEDULES.update().values(next_at=SCHEDULES.c.next_at - DAY_S)
    store.write(lambda connection: connection.execute(due))
    with LiveServer(settings), LiveServer(settings), RunningWorker(settings):
        found = eventually(lambda: shown if (shown := live.json("GET", PATH))["last_job_id"] else None)
        job = finished(store, found["last_job_id"])
    after = live.json("GET", PATH)

    assert (job.state, job.model_version, after["last_job_state"]) == ("succeeded", 2, "succeeded"), job.error
    assert (found["next_at"], found["missed"], found["skipped"]) == (put["next_at"], 0, 0)
    assert [one["kind"] for one in live.json("GET", "/v1/searches")["searches"]] == ["refresh", "search"]
    assert live.json("GET", "/v1/models/films/versions/2")["refreshed_from"] == 1


def test_a_refresh_that_failed_is_the_last_error(
    live: LiveServer, store: SqlStore, settings: Settings, publish: Publish, valid_dataset: str
) -> None:
    """With the code and the sentence of its job."""
    run = with_run(publish)
    live.json("PUT", PATH, json=nightly(valid_dataset))
    store.write(lambda connection: connection.execute(SCHEDULES.update().values(next_at=SCHEDULES.c.next_at - DAY_S)))
    with LiveServer(settings):
        found = eventually(lambda: shown if (shown := live.json("GET", PATH))["last_job_id"] else None)
    (run / "result.json").unlink()
    with RunningWorker(settings):
        finished(store, found["last_job_id"])

    assert live.json("GET", PATH)["last_error"]["detail"] == "The run to carry on is gone."


def test_both_clients_put_and_read(live: LiveServer, publish: Publish, valid_dataset: str) -> None:
    """Also with the revision that they expect; refusals are errors of their kind."""
    with_run(publish)
    with Client(live.url) as client:
        put = client.set_schedule("films", nightly(valid_dataset), 0)
        with pytest.raises(StateError):
            client.set_schedule("films", nightly(valid_dataset), 0)
        with pytest.raises(InvalidError):
            client.set_schedule("films", nightly(valid_dataset, cron="soon"))

        async def read() -> tuple[Any, Any, Any]:
            async with AsyncClient(live.url) as other:
                return await other.schedule("films"), await other.schedules(), await other.delete_schedule("films")

        assert asyncio.run(read()) == (put, {"schedules": [put], "next_cursor": None}, {"deleted": "films/schedule", "bytes": 0})
        with pytest.raises(NotFoundError):
            client.schedule("films")


def test_the_loop_runs_with_nobody_touching_anything(
    settings: Settings, store: SqlStore, publish: Publish, valid_dataset: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers and clicks of two days ago, a schedule that appends, and a worker: a version of the data set with one row an item, the
    refresh of it, the next version of the model. Until its check has ended, the schedule says what it waits for."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    monkeypatch.setattr(maintenance, "LOOK_S", 0.05)
    with_run(publish)
    with LiveServer(settings) as live:
        answer = live.json("POST", "/v1/models/films/recommend", json={"context": {"user": "ada"}})
        told = [event(answer, item["id"], "impression") for item in answer["items"]] + [event(answer, "m1", "click")]
        assert live.json("POST", "/v1/events", json={"events": told})["accepted"] == 4
        for table in (ANSWERS, FEEDBACK):
            older = table.update().values(at=table.c.at - 2 * DAY_S)
            store.write(lambda connection, older=older: connection.execute(older))  # type: ignore[misc]
        put = live.json("PUT", PATH, json=nightly(valid_dataset, append_events={}))
        store.write(lambda connection: connection.execute(SCHEDULES.update().values(next_at=SCHEDULES.c.next_at - DAY_S)))
        waits = eventually(lambda: shown if (shown := live.json("GET", PATH))["append_version"] else None)
        rows = pq.read_table(next(settings.folder.glob(f"datasets/{valid_dataset}/upload-*.parquet"))).to_pylist()
        with RunningWorker(settings):
            found = eventually(lambda: shown if (shown := live.json("GET", PATH))["last_job_id"] else None)
            job = finished(store, found["last_job_id"])
        version = live.json("GET", f"/v1/datasets/{valid_dataset}/versions/2")

    assert (put["events_until"], waits["last_job_id"], waits["append_version"]) == (None, None, 2)
    assert {(row["movie"], row["click"]) for row in rows} == {("m1", 1), ("m2", 0), ("m3", 0)}
    assert (version["state"], job.state, job.data_version, job.model_version) == ("valid", "succeeded", 2, 2), job.error
    assert (found["append_version"], found["events_until"], found["missed"]) == (None, waits["events_until"], 0)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"append_events": {"positive": "a >> 4"}}, "/append_events/positive"),
        ({"append_events": {"window_s": -1}}, "/append_events/window_s"),
        ({"append_events": {"window": 1}}, "/append_events/window"),
        ({"append_events": {"every_s": 1}}, "/append_events/every_s"),
    ],
)
def test_what_cannot_be_appended_is_refused_with_its_place(
    live: LiveServer, publish: Publish, valid_dataset: str, changes: dict[str, Any], pointer: str
) -> None:
    """A rule that is none, and times that are none."""
    with_run(publish)
    answer = live.http.put(PATH, json=nightly(valid_dataset, **changes))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
