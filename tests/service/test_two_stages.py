"""Two-stage recommendations over HTTP, from a real search on a table with more items than are scored, against scores of all of them.

What is right is known: a person of a kind clicks items of that kind and no other, and there are fewer of those than are retrieved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.cluster import ClusterConfig
from ihas.config.distil import DistilConfig
from ihas.config.evaluate import EvaluateConfig
from ihas.config.learning import LearningConfig
from ihas.config.retrain import RetrainConfig
from ihas.config.retrieval import RetrievalConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.serving.requests import MAX_ROWS
from ihas.serving.retrieval.retriever import LEAST
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

KINDS, ITEMS, PEOPLE, ROWS, PRICES = 20, MAX_ROWS + 1_000, 200, 40_000, 10
ITEM = ["item", "kind", "price"]
LEARNING = LearningConfig(
    backbone=BackboneConfig(hidden=(32,), batch_norm=False),
    training=TrainingConfig(embedding_dim=8, batch_size=512, learning_rate=0.01, embedding_l2=0.0, epochs=4),
    distil=DistilConfig(members=2),
    search=SearchConfig(epochs=1),
    cluster=ClusterConfig(num_groups=(2,), on=("masked",), thresholds=(0.3,)),
    retrain=RetrainConfig(epochs=1),
    evaluate=EvaluateConfig(controls=False),
    retrieval=RetrievalConfig(width=16, hidden=32, epochs=5, learning_rate=0.01),
)


def fields_of(item: int) -> dict[str, str]:
    """What the table says of an item."""
    return {"item": f"i{item}", "kind": f"k{item % KINDS}", "price": str(item % PRICES)}


def table() -> bytes:
    """Clicks as CSV: every item once, then half of the rows with an item of the person's own kind."""
    rng = np.random.default_rng(0)
    person, item = rng.integers(0, PEOPLE, ROWS), rng.integers(0, ITEMS, ROWS)
    item[:ITEMS] = np.arange(ITEMS)
    own = (np.arange(ROWS) >= ITEMS) & (rng.random(ROWS) < 0.5)
    item = np.where(own, (item - item % KINDS + person % KINDS) % (ITEMS - ITEMS % KINDS), item)
    lines = [
        f"{int(who % KINDS == what % KINDS)},p{who},t{who % KINDS}," + ",".join(fields_of(what).values())
        for who, what in zip(person.tolist(), item.tolist(), strict=True)
    ]
    return "\n".join(["click,person,taste,item,kind,price", *lines, ""]).encode()


def searched(live: LiveServer, store: SqlStore) -> None:
    """The model `shop`, from a search through the real pipeline."""
    columns = {"label": "click", "categorical": ["person", "taste", *ITEM], "item": ITEM, "item_id": "item"}
    dataset = live.json("POST", "/v1/datasets", json={"name": "clicks", "format": "csv", "columns": columns})["id"]
    live.json("PUT", f"/v1/datasets/{dataset}/content", content=table())
    eventually(lambda: live.json("GET", f"/v1/datasets/{dataset}")["state"] == "valid", within_s=240.0)
    asked = {"name": "shop", "dataset_id": dataset, "learning": LEARNING.model_dump(mode="json")}
    search = live.json("POST", "/v1/searches", json=asked)
    job = eventually(lambda: one if (one := store.job(search["id"])).finished else None, within_s=3_000.0)
    assert job.state == "succeeded", job.error


def best_of_all(live: LiveServer, request: dict[str, Any]) -> tuple[list[float], int]:
    """Scores of the ten best where every item is scored, and how many items the model has, from candidates part by part."""
    found, known = list[float](), 0
    for first in range(0, ITEMS, MAX_ROWS):
        candidates = [f"i{item}" for item in range(first, min(ITEMS, first + MAX_ROWS))]
        answer = live.json("POST", "/v1/models/shop/recommend", json={**request, "candidates": candidates})
        found += [item["score"] for item in answer["items"]]
        known += len(candidates) - len(answer["unknown_candidates"])
    return sorted(found, reverse=True)[:10], known


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_two_stages_find_what_scoring_everything_finds(live: LiveServer, store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """Without candidates 1,000 items are retrieved, scored as a row is, and hold the best; exclusions and filters come before that."""
    with RunningWorker(settings, PIPELINES):
        searched(live, store)
    shares = []
    for person in range(0, PEOPLE, 37):
        context = {"person": f"p{person}", "taste": f"t{person % KINDS}"}
        ten: dict[str, Any] = {"context": context, "k": 10}
        best, known = best_of_all(live, ten)
        answer = live.json("POST", "/v1/models/shop/recommend", json=ten)
        found = {item["id"]: item["score"] for item in answer["items"]}
        rows = [{**context, **fields_of(int(item[1:]))} for item in found]
        scored = live.json("POST", "/v1/models/shop/score", json={"rows": rows})["scores"]

        assert answer["retrieved"] == {"items": LEAST, "of_items": known, "method": "exact"}
        assert answer["num_scored"] == LEAST
        assert list(found.values()) == pytest.approx([one["score"] for one in scored], abs=1e-5)
        assert list(found.values()) == sorted(found.values(), reverse=True)
        shares.append(sum(score >= best[-1] - 1e-5 for score in found.values()) / 10)  # items of a kind may score alike

        without = live.json("POST", "/v1/models/shop/recommend", json={**ten, "exclude": list(found)})
        assert not found.keys() & {item["id"] for item in without["items"]}
        assert without["retrieved"]["of_items"] == known - 10
        cheap = live.json("POST", "/v1/models/shop/recommend", json={**ten, "filter": 'price < 3 and kind != "k0"'})
        numbers = [int(item["id"][1:]) for item in cheap["items"]]
        assert len(numbers) == 10
        assert all(number % PRICES < 3 and number % KINDS != 0 for number in numbers)
        assert cheap["retrieved"] is None  # few enough are left to score them all

    assert float(np.mean(shares)) >= 0.9
