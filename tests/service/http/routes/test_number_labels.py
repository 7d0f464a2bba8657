"""A model whose label is a number answers with the number expected, and its events make no rows."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from ihas.bundle.archive import write_bundle
from tests.ihas.bundle_factory import LOGITS, small_bundle
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

LOW, HIGH = 1.0, 5.0
ADA = {"user": "ada", "movie": "m1", "genres": "drama|comedy"}


def _value(logit: float) -> float:
    return LOW + (HIGH - LOW) / (1.0 + math.exp(-logit))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle whose scores are known by hand, of stars from 1 to 5."""
    folder, plain = tmp_path_factory.mktemp("bundles") / "films", small_bundle()
    write_bundle(dataclasses.replace(plain, schema=plain.schema.model_copy(update={"label_range": (LOW, HIGH)})), folder)
    return folder


def test_rows_and_items_have_their_number(live: LiveServer, publish: Publish) -> None:
    """Beside scores, which are places in the range."""
    publish()
    (scored,) = live.json("POST", "/v1/models/films/score", json={"rows": [ADA]})["scores"]
    assert scored["value"] == pytest.approx(_value(LOGITS["ada"]["m1"]), abs=1e-5)
    assert scored["score"] == pytest.approx((scored["value"] - LOW) / (HIGH - LOW))
    items = live.json("POST", "/v1/models/films/recommend", json={"context": {"user": "ada"}})["items"]
    assert {item["id"]: item["value"] for item in items} == pytest.approx({name: _value(x) for name, x in LOGITS["ada"].items()}, abs=1e-5)


def test_the_protocol_has_an_output_more(live: LiveServer, publish: Publish) -> None:
    """`value`, in the metadata and among outputs, by name and unasked."""
    publish()
    assert [one["name"] for one in live.json("GET", "/v2/models/films")["outputs"]] == ["score", "logit", "group", "value"]
    body: dict[str, Any] = {"inputs": [{"name": "user", "shape": [1], "datatype": "BYTES", "data": ["ada"]}]}
    whole = live.json("POST", "/v2/models/films/infer", json=body)["outputs"]
    (alone,) = live.json("POST", "/v2/models/films/infer", json={**body, "outputs": [{"name": "value"}]})["outputs"]
    assert (whole[-1], alone["datatype"], alone["shape"]) == (alone, "FP64", [1])
    assert LOW < alone["data"][0] < HIGH


def test_events_make_no_rows(live: LiveServer, publish: Publish) -> None:
    """Feedback says clicks, which are none of the numbers: neither a file nor a data set."""
    publish()
    refused = [
        live.http.get("/v1/models/films/events/export"),
        live.http.post("/v1/models/films/events/dataset", json={"name": "shown"}),
    ]
    assert [answer.status_code for answer in refused] == [409, 409], [answer.text for answer in refused]
    assert all("feedback says clicks" in answer.json()["detail"] for answer in refused)
