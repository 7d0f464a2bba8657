"""The loop on the real service with a real worker: a search, clicks on what it showed, rows of them, a bad day, a refresh, its gates.

Whether a person clicks an item is known: log-odds 1.5 t_u v_i - .5 of tastes t and items v in three dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ihas.metrics import sigmoid
from ihas_service.client.client import Client
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = [pytest.mark.tf, pytest.mark.slow]

USERS, ITEMS, DAY_S, SHOWN = 60, 20, 86_400, 10
LEARNING = {
    "training": {"embedding_dim": 4, "batch_size": 128, "learning_rate": 0.02, "embedding_l2": 1e-4, "epochs": 4},
    "members": {"counts": [], "larger": []},
    "distil": {"members": 0},
    "search": {"epochs": 1},
    "cluster": {"num_groups": [2], "on": ["masked"], "thresholds": [0.5]},
    "retrain": {"epochs": 1},
    "split": {"kind": "time"},
}
COLUMNS = {
    "label": "click",
    "item_id": "film",
    "item": ["film"],
    "user_id": "user",
    "user": ["town"],
    "display": ["title"],
    "time": "day",
}


class Population:
    """People who click by taste."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)
        self._tastes, self._items = self._rng.normal(size=(USERS, 3)), self._rng.normal(size=(ITEMS, 3))

    def clicks(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Who clicks what: bool, one for each pair."""
        odds = 1.5 * (self._tastes[user] * self._items[item]).sum(axis=1) - 0.5
        return np.asarray(self._rng.random(len(user)) < sigmoid(odds))

    def day(self, number: int, rows: int) -> pl.DataFrame:
        """Rows of one day, in order of time, on items at random."""
        user, item = self._rng.integers(0, USERS, rows), self._rng.integers(0, ITEMS, rows)
        return pl.DataFrame(
            {
                "click": self.clicks(user, item).astype(int),
                "user": [f"u{one}" for one in user],
                "film": [f"f{one}" for one in item],
                "town": [f"t{one % 5}" for one in user],
                "title": [f"Film {one}" for one in item],
                "day": 1_790_000_000 + DAY_S * number + np.sort(self._rng.integers(0, DAY_S, rows)),
            }
        )


@pytest.fixture
def client(live: LiveServer, settings: Settings) -> Iterator[Client]:
    """A client of the service, whose worker runs."""
    with RunningWorker(settings, PIPELINES), Client(live.url, patience_s=HANG_S) as client:
        yield client


def _ended(client: Client, job_id: str) -> dict[str, Any]:
    *_, last = client.events(job_id)
    return last


def _answer_everybody(client: Client, people: Population) -> tuple[int, int]:
    """Every user is recommended ten items, and clicks by taste; how many were shown and clicked."""
    events = []
    for user in range(USERS):
        answer = client.document("POST", "/v1/models/films/recommend", json={"context": {"user": f"u{user}"}, "k": SHOWN})
        assert answer["profile_fields"] == ["town"]
        named = [item["id"] for item in answer["items"]]
        clicked = people.clicks(np.full(SHOWN, user), np.array([int(name[1:]) for name in named]))
        kinds = [(name, kind) for name, did in zip(named, clicked, strict=True) for kind in ("impression", *(["click"] if did else []))]
        events += [{"recommendation_id": answer["recommendation_id"], "item_id": name, "kind": kind} for name, kind in kinds]
    waiting = list(events)

    def reported() -> bool | None:
        """Whether all are accepted: answers are written a moment after they were sent."""
        nonlocal waiting
        told = client.document("POST", "/v1/events", json={"events": waiting[:1_000]})
        waiting = [waiting[one["index"]] for one in told["rejected"]] + waiting[1_000:]
        return not waiting or None

    eventually(reported)
    clicks = sum(event["kind"] == "click" for event in events)
    return len(events) - clicks, clicks


def _appended(client: Client, dataset_id: str, path: Path) -> dict[str, Any]:
    version = client.append(dataset_id, path)["version"]
    return client.wait_dataset_version(dataset_id, version)


def test_what_was_shown_makes_the_next_version_and_a_bad_day_does_not(client: Client, store: SqlStore, tmp_path: Path) -> None:
    """The first version serves; every item shown is a row, with the user's town that no request stated; a day on which everything was
    clicked is refused by the data set's limit and changes nothing; the refresh learns from the rest, is judged by its gates, and serves
    if it meets them; rolled back to none, the model says so, and any version can be promoted again."""
    people = Population()
    people.day(0, 3_000).write_csv(tmp_path / "first.csv")
    dataset = client.document("POST", "/v1/datasets", json={"name": "clicks", "columns": COLUMNS, "limits": {"click_rate": 0.9}})["id"]
    client.upload(dataset, tmp_path / "first.csv")
    assert client.wait_dataset(dataset)["state"] == "valid"
    search = client.document("POST", "/v1/searches", json={"name": "films", "dataset_id": dataset, "learning": LEARNING})["id"]
    assert _ended(client, search)["state"] == "succeeded"
    assert client.document("GET", "/v1/models/films")["serving"] == 1

    shown, clicked = _answer_everybody(client, people)
    told = client.export_events("films", tmp_path / "shown.parquet", window_s=HANG_S, open=True)
    rows = pl.read_parquet(tmp_path / "shown.parquet")
    assert (shown, told["rows_without_context"]) == (USERS * SHOWN, 0)
    assert (rows.height, rows["click"].sum()) == (shown, clicked)
    assert rows["town"].to_list() == [f"t{int(user[1:]) % 5}" for user in rows["user"]]
    assert rows["title"].to_list() == [f"Film {film[1:]}" for film in rows["film"]]

    people.day(1, 600).write_csv(tmp_path / "second.csv")
    people.day(2, 600).with_columns(click=pl.lit(1)).write_csv(tmp_path / "bad.csv")
    assert _appended(client, dataset, tmp_path / "shown.parquet")["state"] == "valid"
    good, bad = (_appended(client, dataset, tmp_path / name) for name in ("second.csv", "bad.csv"))
    assert (good["state"], bad["state"]) == ("valid", "invalid")
    assert "click rate of the appended rows is 100.00%" in bad["error"]["detail"]

    asked = {"dataset_id": dataset, "auto_promote": "passing", "settings": {"epochs": 1}}
    refresh = client.document("POST", "/v1/models/films/refresh", json=asked)["id"]
    assert _ended(client, refresh)["state"] == "succeeded"
    lineage, gates = (client.document("GET", f"/v1/models/films/versions/2{more}") for more in ("", "/gates"))
    assert (lineage["refreshed_from"], lineage["dataset_version"]) == (1, good["version"])
    assert [gate["name"] for gate in gates["gates"]] == ["golden", "auc", "calibration", "latency"]
    assert gates["candidate"] is not gates["passed"]
    served = store.serving_version("local", "films")
    assert served is not None
    assert served.version == (2 if gates["passed"] else 1)

    client.document("POST", "/v1/models/films/rollback", json={"to": "none"})
    with pytest.raises(Exception, match="No version of model 'films' serves") as none:
        client.document("POST", "/v1/models/films/recommend", json={"context": {"user": "u3"}})
    assert getattr(none.value, "status", None) == 409
    assert client.document("POST", "/v1/models/films/promote", json={"version": 1})["version"] == 1
    assert client.document("POST", "/v1/models/films/recommend", json={"context": {"user": "u3"}})["version"] == 1
