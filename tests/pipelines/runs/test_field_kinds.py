"""Every kind of field in one table, in a form that people have it in, from the file to the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.bundle.manifest import WITHOUT_HASHES, read_manifest
from ihas.config.data import DataConfig, SchemaConfig
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from tests.pipelines.small_run import finish, small_recipe, start

pytestmark = [pytest.mark.tf, pytest.mark.slow]

ROWS, START = 2_000, datetime(2023, 1, 2, tzinfo=UTC)
NAMES = ("user", "item", "released", "seen", "price", "tags", "status")


def _row(number: int) -> dict[str, Any]:
    """A row as a request states it; its price decides how likely it is paid."""
    item = number * 7 % 40
    return {
        "user": f"u{number % 30}",
        "item": f"m{item}",
        "released": (START + timedelta(days=11 * item, hours=item)).isoformat(),
        "seen": (START + timedelta(hours=5 * number)).isoformat(),
        "price": round(number * 37 % 997 / 10 + 0.05, 2),
        "tags": ["new", "old", "odd"][: 1 + number % 3],
    }


def _line(number: int) -> str:
    row = _row(number)
    paid = np.random.default_rng(number).random() * 100 < row["price"]
    status = ("paid", "bought")[number % 2] if paid else "seen" if number % 97 else ""
    price = str(row["price"]).replace(".", ",")
    return "::".join([row["user"], row["item"], row["released"], row["seen"], price, "|".join(row["tags"]), status])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GroupedRecommender]:
    """A run on the table: no header, `::`, commas in numbers, a status as label, rows without one, times of items and of requests."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "x.dat"
    path.write_text("".join(f"{_line(number)}\n" for number in range(ROWS)))
    columns = SchemaConfig(
        label="status",
        positive=("paid", "bought"),
        unlabelled="drop",
        item=("item", "released"),
        item_id="item",
        multivalued={"tags": "|"},
        timestamps={"seen": {"zone": "Europe/Berlin", "parts": ["hour", "weekday"]}, "released": {}},  # type: ignore[dict-item]
    )
    recipe = small_recipe()
    encoding = recipe.learning.encoding.model_copy(update={"numeric": "auto", "num_buckets": 4})
    recipe = recipe.model_copy(
        update={
            "data": DataConfig(path=path, format="csv", delimiter="::", names=NAMES, decimal=",", columns=columns),
            "learning": recipe.learning.model_copy(update={"encoding": encoding}),
        }
    )
    finish(start(recipe, folder / "run"))
    found = load_recommender(folder / "run" / "bundle")
    assert isinstance(found, GroupedRecommender), (folder / "run" / "log.txt").read_text()
    return folder / "run", found


def test_a_bundle_holds_them_all(served: tuple[Path, GroupedRecommender]) -> None:
    """Fields, their kinds, and the form that older readers refuse."""
    folder, recommender = served
    fields = {field.name: field.kind for field in recommender.bundle.encoder.fields}
    assert fields.pop("price") in ("numeric", "piecewise")
    parts = [f"seen.{part}" for part in ("hour", "weekday")] + [f"released.{part}" for part in ("hour", "weekday", "month")]
    assert fields == {"user": "categorical", "item": "categorical", "tags": "multivalued"} | dict.fromkeys(parts, "categorical")
    assert read_manifest(folder / "bundle").version == WITHOUT_HASHES


def test_an_item_scores_as_its_row_does(served: tuple[Path, GroupedRecommender]) -> None:
    """What is recommended for a context scores as the row of that context and the item's own fields, to 1e-5; a part asks what if."""
    _, recommender = served
    row = _row(5)
    context = {name: row[name] for name in ("user", "seen", "price", "tags")}
    best = recommender.recommend(RecommendRequest(context, k=5, explain=True)).items
    released = {f"m{item}": (START + timedelta(days=11 * item, hours=item)).isoformat() for item in range(40)}
    rows = [context | {"item": one.id, "released": released[one.id]} for one in best]
    np.testing.assert_allclose([one.score for one in recommender.score(rows)], [one.score for one in best], atol=1e-5)
    epoch = context | {"seen": datetime.fromisoformat(row["seen"]).timestamp()}
    assert [one.score for one in recommender.recommend(RecommendRequest(epoch, k=5)).items] == [one.score for one in best]
    assert best[0].explanation is not None
    assert {part.field for part in best[0].explanation.contributions} >= {"seen.hour", "released.month", "price", "tags"}
    hours = recommender.score([rows[0] | {"seen.hour": hour} for hour in range(24)])
    assert len({one.logit for one in hours}) > 1
