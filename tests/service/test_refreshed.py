"""A model refreshed by the real service: a real search, newer rows, the next version answers for items that the first one never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.job import Job
from ihas_service.storage.sql_store import SqlStore
from tests.pipelines.runs.clicks import COLUMNS, clicks_recipe, write_clicks
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(3_600)]

ROWS, HANG = 3_000, 3_000.0


def _dataset(live: LiveServer, path: Path) -> str:
    asked = {"name": path.stem, "format": "csv", "columns": COLUMNS.model_dump(mode="json")}
    dataset_id: str = live.json("POST", "/v1/datasets", json=asked)["id"]
    live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=path.read_bytes())
    eventually(lambda: live.json("GET", f"/v1/datasets/{dataset_id}")["state"] == "valid", within_s=HANG)
    return dataset_id


def _ended(store: SqlStore, job: dict[str, Any]) -> Job:
    return eventually(lambda: one if (one := store.job(job["id"])).finished else None, within_s=HANG)


def test_the_next_version_knows_new_items(live: LiveServer, store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """Search, refresh, refresh of the refreshed: versions follow each other with their lineage, liked new items rank first, and
    a table that lacks a column fails in words and makes no version."""
    recipe = clicks_recipe(write_clicks(tmp_path / "old.csv", ROWS))
    write_clicks(tmp_path / "new.csv", ROWS * 4 // 3, first_new=ROWS)
    (tmp_path / "bad.csv").write_text((tmp_path / "old.csv").read_text().replace("place", "where", 1))
    learning = recipe.learning.model_copy(update={"retrieval": recipe.learning.retrieval.model_copy(update={"when": "never"})})
    with RunningWorker(settings, PIPELINES):
        old, new = (_dataset(live, tmp_path / name) for name in ("old.csv", "new.csv"))
        asked = {"name": "films", "dataset_id": old, "learning": learning.model_dump(mode="json"), "run": {"num_threads": 1}}
        searched = _ended(store, live.json("POST", "/v1/searches", json=asked))
        assert searched.state == "succeeded", searched.error
        first, second = (_ended(store, live.json("POST", "/v1/models/films/refresh", json={"dataset_id": new})) for _ in range(2))
        data = {"name": "bad", "format": "csv", "columns": {"label": "label"}}
        bad = live.json("POST", "/v1/datasets", json=data)["id"]
        live.json("PUT", f"/v1/datasets/{bad}/content", content=(tmp_path / "bad.csv").read_bytes())
        eventually(lambda: live.json("GET", f"/v1/datasets/{bad}")["state"] == "valid", within_s=HANG)
        failed = _ended(store, live.json("POST", "/v1/models/films/refresh", json={"dataset_id": bad}))

    rows = [{"user": "u1", "place": "a", "age": 30, "item": f"i{number}"} for number in range(20, 40)]
    scores = [one["score"] for one in live.json("POST", "/v1/models/films/score", json={"rows": rows})["scores"]]
    assert first.error is None
    assert second.error is None
    assert [live.json("GET", f"/v1/models/films/versions/{number}")["refreshed_from"] for number in (1, 2, 3)] == [None, 1, 2]
    assert min(scores[1::2]) > max(scores[0::2])
    assert failed.error is not None
    assert (failed.state, failed.error["code"], failed.error["findings"][0]["column"]) == ("failed", "data", "place")
    assert [one["version"] for one in live.json("GET", "/v1/models/films")["versions"]] == [3, 2, 1]
