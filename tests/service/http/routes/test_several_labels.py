"""A model of two labels answers with a probability of each, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ihas.bundle.archive import write_bundle
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_service.http.examples import searches
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.bundle_factory import bundle_with_tasks, rows
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

ADA = {"user": "ada", "movie": "m1", "genres": "drama|comedy"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle whose scores are known by hand."""
    folder = tmp_path_factory.mktemp("bundles") / "films"
    write_bundle(bundle_with_tasks(), folder)
    return folder


def test_rows_and_items_have_both(live: LiveServer, publish: Publish) -> None:
    """The same that Python answers; items in the order of the formula."""
    publish()
    (scored,) = live.json("POST", "/v1/models/films/score", json={"rows": [ADA]})["scores"]
    expected = GroupedRecommender(bundle_with_tasks()).score(rows()[:1])[0]
    assert scored["scores"] == pytest.approx(expected.scores)
    assert scored["score"] == pytest.approx(expected.score)
    items = live.json("POST", "/v1/models/films/recommend", json={"context": {"user": "ada"}})["items"]
    assert [item["id"] for item in items] == ["m2", "m3", "m1"]
    for item in items:
        assert set(item["scores"]) == {"click", "bought"}
        assert item["score"] == pytest.approx(item["scores"]["click"] * item["scores"]["bought"] ** 2)


def test_the_protocol_has_an_output_for_each(live: LiveServer, publish: Publish) -> None:
    """In the metadata and among outputs, by name and unasked."""
    publish()
    names = ["score", "logit", "group", "score_click", "score_bought"]
    assert [one["name"] for one in live.json("GET", "/v2/models/films")["outputs"]] == names
    body: dict[str, Any] = {"inputs": [{"name": "user", "shape": [1], "datatype": "BYTES", "data": ["ada"]}]}
    whole = live.json("POST", "/v2/models/films/infer", json=body)["outputs"]
    (alone,) = live.json("POST", "/v2/models/films/infer", json={**body, "outputs": [{"name": "score_bought"}]})["outputs"]
    assert (whole[-1], alone["datatype"], alone["shape"]) == (alone, "FP64", [1])
    refused = live.http.post("/v2/models/films/infer", json={**body, "outputs": [{"name": "score_paid"}]})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"learning": {"backbone": {"kind": "dcn"}}}, "/learning"),
        ({"learning": {"evaluate": {"controls": True}}}, "/learning"),
        ({"learning": {}, "budget": {"parameters": 1000}}, "/budget"),
    ],
)
def test_settings_of_one_label_are_refused(live: LiveServer, store: SqlStore, table: str, asked: dict[str, Any], pointer: str) -> None:
    """When the search is submitted, for a data set of several; the same search without them is taken on."""
    columns = {"label": "click", "tasks": {"bought": {}}}
    dataset = store.add_dataset(NewDataset("clicks", {"columns": columns}, path=table)).id
    job = store.claim("check", 60.0, 1)
    assert job is not None
    store.accept_dataset(job.id, job.token, searches.REPORT)
    body = {"name": "films", "dataset_id": dataset}
    refused = live.http.post("/v1/searches", json={**body, **asked})
    assert refused.status_code == 422
    assert "columns.tasks" in refused.json()["detail"]
    assert pointer in refused.text
    if "budget" not in asked:
        assert live.http.post("/v1/searches/estimate", json={"dataset_id": dataset, **asked}).status_code == 422
    assert live.http.post("/v1/searches", json={**body, "learning": {}}).status_code == 202
