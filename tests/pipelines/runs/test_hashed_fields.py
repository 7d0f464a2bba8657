"""Texts and vectors of items and of requests, hashed users, and days since a visit, from the file to the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.bundle.manifest import WITHOUT_TASKS, read_manifest
from ihas.config.columns import TextColumn
from ihas.config.data import DataConfig, SchemaConfig, TimestampColumn
from ihas.errors import RequestError
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from tests.pipelines.small_run import finish, small_recipe, start

pytestmark = [pytest.mark.tf, pytest.mark.slow]

ROWS, ITEMS = 2_000, 40
START = datetime(2024, 1, 1, tzinfo=UTC)
PICTURES, TASTES = (np.random.default_rng(seed).normal(size=(ITEMS, 4)).round(3).tolist() for seed in (1, 2))
COLOURS, STUFFS = ("Red", "blue", "GRÜN", "grey", "pink"), ("wool", "felt", "silk", "lace")


def _title(item: int) -> str:
    return f"A {COLOURS[item % 5]} shoe of {STUFFS[item % 4]}, no. {item % 7}"


def _row(number: int) -> dict[str, Any]:
    """A row as a request states it; whether colour and query agree decides the click."""
    item = number * 7 % ITEMS
    seen = START + timedelta(hours=number)
    return {
        "user": f"u{number % 30}",
        "query": f"shoe {COLOURS[number % 3]}",
        "taste": TASTES[number % 30],
        "seen": seen.isoformat(),
        "last": (seen - timedelta(days=number % 11)).isoformat(),
        "item": f"m{item}",
        "title": _title(item),
        "picture": PICTURES[item],
    }


def _line(number: int) -> str:
    row = _row(number)
    likely = 0.8 if row["query"].split()[1] in row["title"] else 0.3
    return json.dumps({**row, "click": int(np.random.default_rng(number).random() < likely)}, ensure_ascii=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GroupedRecommender]:
    """A run on JSON lines; the title is taken for a text by itself."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "x.jsonl").write_text("".join(f"{_line(number)}\n" for number in range(ROWS)), encoding="utf-8")
    columns = SchemaConfig(
        item=("item", "title", "picture"),
        item_id="item",
        negatives_kept=0.25,
        text={"query": TextColumn(vocabulary=64, max_words=2)},
        hash_buckets={"user": 512},
        timestamps={
            "seen": TimestampColumn(parts=("hour",), days_since=("last",)),
            "last": TimestampColumn(parts=("hour",)),
        },
    )
    recipe = small_recipe()
    finish(start(recipe.model_copy(update={"data": DataConfig(path=folder / "x.jsonl", columns=columns)}), folder / "run"))
    found = load_recommender(folder / "run" / "bundle")
    assert isinstance(found, GroupedRecommender), (folder / "run" / "log.txt").read_text()
    return folder / "run", found


def test_the_bundle_says_what_it_needs(served: tuple[Path, GroupedRecommender]) -> None:
    """Kinds of encoders, and a form that older readers refuse."""
    folder, recommender = served
    assert {field.name: field.kind for field in recommender.bundle.encoder.fields} == {
        "user": "hashed", "query": "text", "taste": "vector", "item": "categorical", "title": "text", "picture": "vector",
        "seen.hour": "categorical", "last.hour": "categorical", "seen.days_since.last": "numeric",
    }  # fmt: skip
    assert read_manifest(folder / "bundle").version == WITHOUT_TASKS


def test_an_item_scores_as_its_row_does(served: tuple[Path, GroupedRecommender]) -> None:
    """To 1e-5, whatever the case of letters; explanations name words, filters read the text, another query asks what if."""
    _, recommender = served
    row = _row(3)
    context = {"user": "u3", "query": "SHOE red", "taste": row["taste"], "seen": row["seen"], "last": row["last"]}
    best = recommender.recommend(RecommendRequest(context, k=8, explain=True)).items
    rows = [context | {"item": one.id, "title": _title(int(one.id[1:])).swapcase(), "picture": PICTURES[int(one.id[1:])]} for one in best]
    np.testing.assert_allclose([one.score for one in recommender.score(rows)], [one.score for one in best], atol=1e-5)
    assert best[0].explanation is not None
    told = {part.field: part.values for part in best[0].explanation.contributions}
    assert told["query"] == ("shoe", "red")
    assert "shoe" in told["title"]
    assert told["user"][0].startswith("bucket ")
    assert (told["taste"], told["picture"]) == (("4 numbers",), ("4 numbers",))
    assert told["seen.days_since.last"][0].startswith("[")
    only = recommender.recommend(RecommendRequest(context, k=3, filter=f"title == '{_title(12)}'")).items
    assert [one.id for one in only] == ["m12"]
    queries = recommender.score([rows[0] | {"query": query} for query in ("shoe red", "shoe grün", "nothing known")])
    assert len({one.logit for one in queries}) == 3
    assert [unknown.field for unknown in queries[2].unknown_values] == ["query"]


def test_another_vector_or_day_asks_what_if(served: tuple[Path, GroupedRecommender]) -> None:
    """Of the request or of the item, by stating it; a vector that no row had is read as any other, and none is missing."""
    _, recommender = served
    row = _row(7)
    others = [{"picture": [0.1, -0.2, 0.3, 2.5]}, {"picture": None}, {"taste": [3.0, 3.0, -3.0, 3.0]}, {"seen.days_since.last": 0}]
    scored = recommender.score([row, *(row | other for other in others)])
    assert len({one.logit for one in scored[:4]}) == 4
    assert not any(unknown.field in ("picture", "taste") for one in scored for unknown in one.unknown_values)


def test_probabilities_are_those_of_all_rows(served: tuple[Path, GroupedRecommender]) -> None:
    """Of rows without a click a quarter was kept: of all rows, counted back, the mean probability is the rate of clicks."""
    folder, recommender = served
    lines = [json.loads(line) for line in (folder.parent / "x.jsonl").read_text(encoding="utf-8").splitlines()]
    clicks = np.array([line.pop("click") for line in lines])
    scores = np.array([one.score for one in recommender.score(lines)])
    weights = np.where(clicks > 0, 1.0, 4.0)
    assert np.average(scores, weights=weights) == pytest.approx(np.average(clicks, weights=weights), abs=0.03)
    assert abs(scores.mean() - clicks.mean()) > 0.1


def test_what_is_no_vector_is_refused_at_its_place(served: tuple[Path, GroupedRecommender]) -> None:
    """With the field, how many numbers it has, and a pointer."""
    _, recommender = served
    with pytest.raises(RequestError, match="`taste` must be a list of 4 numbers, but got 3") as caught:
        recommender.recommend(RecommendRequest({"taste": [1.0, 2.0, 3.0]}))
    assert caught.value.pointer == "/context/taste"


def test_what_is_no_text_is_refused_at_its_place(served: tuple[Path, GroupedRecommender]) -> None:
    """With the field and a pointer to the row."""
    _, recommender = served
    with pytest.raises(RequestError, match="`query` must be a text") as caught:
        recommender.score([{"item": "m1"}, {"item": "m1", "query": ["red"]}])
    assert caught.value.pointer == "/rows/1/query"
