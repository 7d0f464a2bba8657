"""What was shown as a data set of the service, over HTTP."""

from __future__ import annotations

import pytest

from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.expiry import Expiry
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish, RunningWorker, eventually
from tests.service.http.routes.test_derived import walks
from tests.service.http.routes.test_event_rows import DATASET, OPEN, direct, lines, shown_and_clicked, tell
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def test_what_was_shown_is_a_data_set_that_is_checked(live: LiveServer, publish: Publish, settings: Settings, store: SqlStore) -> None:
    """Twelve people with three items each, of which the first is clicked, and two clicks from elsewhere: 38 rows, 14 clicks, read as the
    model's own table, by a real check. It counts against the quota, is deleted with its file, and goes with its age as an upload does."""
    publish()
    for number in range(12):
        shown_and_clicked(live, f"user {number % 4}")
    tell(live, direct(live, "bob", "m2", "click", 5.0), direct(live, "bob", "m3", "click", 4.0))
    used = live.json("GET", "/v1/usage")["datasets"]["used"]
    made = live.http.post(DATASET, json={"name": "last week", "open": True, "details": True})
    dataset = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/v1/datasets/{dataset['id']}")
    with RunningWorker(settings, PIPELINES):
        found = eventually(lambda: one if (one := store.dataset(dataset["id"])).state in ("valid", "invalid") else None)
    assert found.state == "valid", found.error
    report = live.json("GET", f"/v1/datasets/{dataset['id']}/report")
    label = next(one for one in report["profiles"] if one["purpose"] == "label")

    assert (report["rows"], label["column"], dict(map(tuple, label["commonest"]))) == (38, "click", {"0": 24, "1": 14})
    purposes = {one["column"]: one["purpose"] for one in report["profiles"]}
    assert {name for name, purpose in purposes.items() if purpose not in ("ignored", "time")} == {"click", "user", "genres", "movie"}
    assert report["columns"]["item_id"] == "movie"
    size, path = dataset["size"], settings.folder / str(found.path)
    assert live.json("GET", "/v1/usage")["datasets"]["used"] == used + size == used + path.stat().st_size
    assert [old.id for old in Expiry(store).unused_datasets(-60.0, 0) if old.id == dataset["id"]] == [dataset["id"]]
    assert live.json("DELETE", f"/v1/datasets/{dataset['id']}")["bytes"] == size
    assert not path.exists()


def test_a_data_set_of_nothing_and_one_without_room_are_refused(settings: Settings, store: SqlStore, publish: Publish) -> None:
    """The refusal counts the rows that wait; what is refused leaves neither a data set nor a file."""
    publish()
    with LiveServer(settings.model_copy(update={"max_dataset_bytes_per_tenant": 1_000})) as live:
        before = len(store.datasets(None, 100))
        shown_and_clicked(live)
        empty = live.http.post(DATASET, json={"name": "x"})
        full = live.http.post(DATASET, json={"name": "x", "open": True})

    assert (empty.status_code, full.status_code) == (409, 413)
    assert "3 rows wait" in empty.json()["detail"]
    assert len(store.datasets(None, 100)) == before
    assert list((settings.folder / "datasets").glob("*/upload-*")) == []


@pytest.mark.slow
def test_a_model_of_histories_gives_interactions(live: LiveServer, publish: Publish, settings: Settings, store: SqlStore) -> None:
    """Its rows are who, after what and which item; its data set holds what known people took, in order of time."""
    publish("walks", spoil=walks)
    items = [item["id"] for item in live.json("POST", "/v1/models/walks/recommend", json={"context": {"history": ["m1"]}})["items"]]
    now = store.now()
    for place, user in enumerate(("ann", "bo", "cy", None)):
        context = {} if user is None else {"user": user}
        clicks = [
            {"model": "walks", "context": context, "item_id": item, "kind": "click", "at": now - 50 + place + 10 * step}
            for step, item in enumerate(("m1", "m2"))
        ]
        assert tell(live, *clicks, {**clicks[0], "item_id": "m3", "kind": "impression"})["accepted"] == 3
    rows = lines(live.http.get("/v1/models/walks/events/export", params=OPEN))
    made = live.json("POST", "/v1/models/walks/events/dataset", json={"name": "walked", "open": True})
    with RunningWorker(settings, PIPELINES):
        found = eventually(lambda: one if (one := store.dataset(made["id"])).state in ("valid", "invalid") else None)

    assert items
    assert (len(rows), sum(row["taken"] for row in rows), list(rows[0])) == (12, 8, ["taken", "user", "history", "item", "at"])
    assert found.state == "valid", found.error
    assert found.report is not None
    assert found.report["rows"] == 6
