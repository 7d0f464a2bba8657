"""Batches over HTTP: every row of a data set answered by a model, with the real child."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ihas_service.client.client import Client
from ihas_service.errors import StateError
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.job import BATCH
from ihas_service.storage.sql_store import SqlStore
from tests.pipelines.batch.test_tables import ALL_LOGITS, named, written
from tests.service.conftest import Publish, RunningWorker, eventually
from tests.service.http.routes.test_datasets import checked
from tests.service.keyed import NewKey
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell, shell  # noqa: F401 - fixture

pytestmark = pytest.mark.full


def pushed(live: LiveServer, path: Path, **body: object) -> str:
    """Id of a data set of the file; a worker must run."""
    dataset_id = str(live.json("POST", "/v1/datasets", json={"name": "rows", "labelled": False, **body})["id"])
    live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=path.read_bytes())
    assert checked(live, dataset_id) == "valid", live.json("GET", f"/v1/datasets/{dataset_id}")
    return dataset_id


def ended(live: LiveServer, batch: Any) -> Any:
    """A batch once it has ended."""
    ends = ("succeeded", "failed", "cancelled")
    return eventually(lambda: found if (found := live.json("GET", f"/v1/batches/{batch['id']}"))["state"] in ends else None)


def answers(live: LiveServer, batch: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """The rows of a batch."""
    with Client(live.url) as client:
        client.batch_rows(batch["id"], tmp_path / "answers.parquet")
    return pq.read_table(tmp_path / "answers.parquet").to_pylist()


@pytest.mark.slow
def test_rows_without_a_label_are_scored(live: LiveServer, settings: Settings, publish: Publish, tmp_path: Path) -> None:
    """Uploaded, checked, grown by a file of another format, answered and fetched; the logits are those of the hand-worked model."""
    publish()
    with RunningWorker(settings, PIPELINES):
        dataset_id = pushed(live, written(tmp_path / "a.parquet", named()))
        first = ended(live, live.json("POST", "/v1/models/films/batch", json={"dataset_id": dataset_id}))
        live.http.post(f"/v1/datasets/{dataset_id}/append", content=written(tmp_path / "b.csv", named()).read_bytes())
        eventually(lambda: live.json("GET", f"/v1/datasets/{dataset_id}")["version"] == 2)
        second = ended(live, live.json("POST", "/v1/models/films/batch", json={"dataset_id": dataset_id, "version": 1}))
        again = ended(live, live.json("POST", "/v1/models/films/batch", json={"dataset_id": dataset_id, "dataset_version": 1}))
    found = answers(live, first, tmp_path)

    assert (first["state"], first["progress"], first["version"], first["dataset_version"]) == ("succeeded", 1.0, 1, 1)
    assert [row["logit"] for row in found] == pytest.approx(ALL_LOGITS, abs=1e-5)
    assert [(row["id"], row["label"]) for row in found] == [(number, number % 2) for number in range(6)]
    assert [row["logit"] for row in answers(live, second, tmp_path)] == pytest.approx(ALL_LOGITS * 2, abs=1e-5)
    assert answers(live, again, tmp_path) == found
    assert eventually(lambda: live.json("GET", f"/v1/batches/{first['id']}")["bytes"]) > 100
    assert [one["id"] for one in live.json("GET", "/v1/batches?limit=2")["batches"]] == [again["id"], second["id"]]


def test_items_are_recommended_for_every_row(live: LiveServer, settings: Settings, publish: Publish, tmp_path: Path) -> None:
    """The two best of every context, under a filter, of all items: also one that the bundle does not know, with the fields that were
    put."""
    publish()
    live.json(
        "PUT", "/v1/models/films/items", json={"items": [{"item": "m3", "fields": {"genres": "comedy"}}, {"item": "m9", "fields": {}}]}
    )
    with RunningWorker(settings, PIPELINES):
        dataset_id = pushed(live, written(tmp_path / "a.csv", [{"user": "ada", "note": "x"}, {"user": "bob", "note": "y"}]))
        asked = {"dataset_id": dataset_id, "items": {"k": 2, "filter": 'movie != "m2"'}}
        batch = ended(live, live.json("POST", "/v1/models/films/batch", json=asked))
    found = answers(live, batch, tmp_path)

    assert [(row["row"], row["note"], row["rank"], row["item"]) for row in found] == [
        (1, "x", 1, "m1"),
        (1, "x", 2, "m3"),
        (2, "y", 1, "m9"),
        (2, "y", 2, "m1"),
    ]


@pytest.mark.slow
def test_a_row_that_cannot_be_answered_fails_the_batch_by_its_number(
    live: LiveServer, settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    """At the first attempt; nothing is left to fetch. So does a table without a field of the model."""
    publish()
    bad = [*named(), {**named()[0], "movie": None, "genres": "drama"}]
    with RunningWorker(settings, PIPELINES):
        listed = pushed(live, written(tmp_path / "a.jsonl", [{**row, "user": [row["user"], "x"]} for row in bad]))
        strange = pushed(live, written(tmp_path / "b.csv", [{"usr": "ada"}]))
        found = [ended(live, live.json("POST", "/v1/models/films/batch", json={"dataset_id": one})) for one in (listed, strange)]

    assert [one["state"] for one in found] == ["failed", "failed"]
    assert found[0]["error"]["detail"].startswith("Row 1: ")
    assert "fields of the model" in found[1]["error"]["detail"]
    assert live.http.get(f"/v1/batches/{found[0]['id']}/rows").status_code == 409


def test_a_batch_that_waits_is_cancelled_and_deleted(live: LiveServer, store: SqlStore, publish: Publish, valid_dataset: str) -> None:
    """It is a use of its data set and of its model version; deleted, it is gone with its folder."""
    publish()
    publish()
    batch = live.json("POST", "/v1/models/films/batch", json={"dataset_id": valid_dataset, "version": 1})
    used = [
        live.http.delete(path) for path in (f"/v1/datasets/{valid_dataset}", "/v1/models/films/versions/1", f"/v1/batches/{batch['id']}")
    ]
    cancelled = live.json("POST", f"/v1/batches/{batch['id']}/cancel")
    gone = live.json("DELETE", f"/v1/batches/{batch['id']}")

    assert [answer.status_code for answer in used] == [409, 409, 409]
    assert all(batch["id"] in answer.text for answer in used)
    assert (cancelled["state"], gone["deleted"]) == ("cancelled", batch["id"])
    assert live.http.get(f"/v1/batches/{batch['id']}").status_code == 404
    assert live.http.delete("/v1/models/films/versions/1").status_code == 200
    assert store.jobs(BATCH, None, 9) == []


def test_the_same_key_is_the_same_batch(live: LiveServer, publish: Publish, valid_dataset: str) -> None:
    """And another body under it is refused."""
    publish()
    headers, body = {"idempotency-key": "night"}, {"dataset_id": valid_dataset}
    ids = [live.json("POST", "/v1/models/films/batch", json=body, headers=headers)["id"] for _ in range(2)]

    assert ids[0] == ids[1]
    assert live.http.post("/v1/models/films/batch", json={**body, "version": 1}, headers=headers).status_code == 422


def test_what_is_not_there_is_not_answered(live: LiveServer, publish: Publish, valid_dataset: str) -> None:
    """Neither model, version, data set nor version of it; no k of 0; no search on rows without a label."""
    publish()
    good = {"dataset_id": valid_dataset}
    cases = [
        ("none", good, 404),
        ("films", {**good, "version": 9}, 404),
        ("films", {"dataset_id": "ds_0"}, 404),
        ("films", {**good, "dataset_version": 7}, 404),
        ("films", {**good, "items": {"k": 0}}, 422),
    ]
    for model, body, status in cases:
        assert live.http.post(f"/v1/models/{model}/batch", json=body).status_code == status, body
    waiting = live.json("POST", "/v1/datasets", json={"name": "rows", "labelled": False})
    assert waiting["labelled"] is False
    assert live.http.post("/v1/models/films/batch", json={"dataset_id": waiting["id"]}).status_code == 409
    assert live.http.post("/v1/datasets", json={"name": "x", "labelled": False, "format": "sequences"}).status_code == 422


def test_lines_of_users_are_no_rows(live: LiveServer, settings: Settings, publish: Publish, tmp_path: Path) -> None:
    """409 before a worker meets them."""
    publish()
    lines = tmp_path / "a.txt"
    lines.write_text("click a\nbob b\n")
    with RunningWorker(settings):
        dataset_id = pushed(live, lines, labelled=True, format="sequences")
    answer = live.http.post("/v1/models/films/batch", json={"dataset_id": dataset_id})

    assert (answer.status_code, "a user a line" in answer.json()["detail"]) == (409, True)


def test_a_search_takes_no_rows_without_a_label(live: LiveServer, settings: Settings, tmp_path: Path) -> None:
    """409 says what they are for."""
    with RunningWorker(settings, PIPELINES):
        dataset_id = pushed(live, written(tmp_path / "a.csv", named()))
    answer = live.http.post("/v1/searches", json={"name": "films", "dataset_id": dataset_id})

    assert (answer.status_code, "have no label" in answer.json()["detail"]) == (409, True)


def test_batches_are_a_tenants_own(guarded: LiveServer, publish: Publish, valid_dataset: str, new_headers: NewKey) -> None:
    """Another tenant's caller sees, stops, fetches and deletes none, and has no such model or data set."""
    publish()
    mine, theirs = new_headers(), new_headers("acme")
    body = {"dataset_id": valid_dataset}
    batch = guarded.json("POST", "/v1/models/films/batch", json=body, headers=mine)
    path = f"/v1/batches/{batch['id']}"
    asked = [("GET", path), ("GET", f"{path}/rows"), ("POST", f"{path}/cancel"), ("DELETE", path)]

    assert [guarded.http.request(method, one, headers=theirs).status_code for method, one in asked] == [404] * 4
    assert guarded.http.post("/v1/models/films/batch", json=body, headers=theirs).status_code == 404
    assert guarded.json("GET", "/v1/batches", headers=theirs)["batches"] == []


@pytest.mark.slow
def test_the_commands_run_and_fetch_a_batch(
    shell: Shell,  # noqa: F811
    live: LiveServer,
    settings: Settings,
    publish: Publish,
    tmp_path: Path,
) -> None:
    """Push, run, fetch again, list, delete."""
    publish()
    with RunningWorker(settings, PIPELINES):
        dataset_id = shell("dataset", "push", str(written(tmp_path / "a.csv", named())), "--unlabelled")["id"]
        batch = shell("batch", "run", "films", dataset_id, "--to", str(tmp_path / "out.parquet"))
    size = shell("batch", "rows", batch["id"], "--to", str(tmp_path / "again.parquet"))["bytes"]

    assert pq.read_table(tmp_path / "out.parquet").num_rows == 6
    assert (tmp_path / "again.parquet").stat().st_size == size
    assert [one["id"] for one in shell("batch", "ls")] == [batch["id"]]
    assert shell("batch", "cancel", batch["id"], code=4)["error"]
    assert shell("batch", "rm", batch["id"], "--yes")["deleted"] == batch["id"]
    with Client(live.url) as client, pytest.raises(StateError):
        client.delete_dataset_version(dataset_id, 1)


def test_the_child_loads_no_tensorflow(bundle: Path, tmp_path: Path) -> None:
    """It answers with the serving code alone."""
    (tmp_path / "data.json").write_text(f'{{"path": "{written(tmp_path / "a.csv", named())}"}}')
    (tmp_path / "request.json").write_text("{}")
    words = ["batch", "--data", "data.json", "--bundle", str(bundle), "--request", "request.json", "--to", "out.parquet"]
    code = f"import sys; from ihas_pipelines.commands.app import run; print(run({words})); print('tensorflow' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)

    assert found.stdout.splitlines()[-2:] == ["0", "False"]
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 6
