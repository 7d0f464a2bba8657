"""How old an item is at the time of a request: learnt from the table, and told of every candidate when it is recommended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import SchemaConfig, TimestampColumn
from ihas.data.ages import age_slots, without_ages
from ihas.metrics import auc
from ihas.results.run_result import RunResult
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from tests.oracle import parts_of
from tests.pipelines.table_run import finished_run

pytestmark = [pytest.mark.tf, pytest.mark.slow]

ROWS, ITEMS = 6_000, 60
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
AGE = "at.days_since.published"


def _published(item: int) -> str:
    return (BEGIN + timedelta(days=item, hours=item % 7)).isoformat()


def _rows() -> tuple[list[dict[str, Any]], np.ndarray]:
    """Rows as a request states them, and the log-odds of a click, which the age alone decides: news is read."""
    rng = np.random.default_rng(5)
    items, after = rng.integers(0, ITEMS, ROWS), rng.integers(0, 40, ROWS)
    rows = [
        {
            "user": f"u{user}",
            "at": (BEGIN + timedelta(days=float(item + days), hours=12)).isoformat(),
            "item": f"m{item}",
            "published": _published(item),
        }
        for user, item, days in zip(rng.integers(0, 9, ROWS), items.tolist(), after.tolist(), strict=True)
    ]
    return rows, np.where(after < 10, 1.5, np.where(after < 20, 0.0, -1.5))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    rows, logits = _rows()
    clicks = np.random.default_rng(6).random(ROWS) < 1.0 / (1.0 + np.exp(-logits))
    table: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in rows[0]} | {"click": clicks.astype(int).tolist()}
    columns = SchemaConfig(
        item_id="item",
        item=("item", "published"),
        timestamps={"at": TimestampColumn(parts=("hour",), days_since=("published",)), "published": TimestampColumn(parts=("hour",))},
    )
    return finished_run(table, columns, 6, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def model(run: Path) -> GroupedRecommender:
    """Its bundle at work."""
    found = load_recommender(run / "bundle")
    assert isinstance(found, GroupedRecommender)
    return found


def test_age_is_learnt(run: Path) -> None:
    """Within .01 of the AUC of the log-odds that labels were drawn from."""
    _, logits = _rows()
    _, judged = parts_of(ROWS)
    clicks = np.random.default_rng(6).random(ROWS) < 1.0 / (1.0 + np.exp(-logits))
    result = RunResult.model_validate_json((run / "result.json").read_bytes())
    found = next(one.valid.auc for one in result.variants if one.name == result.chosen)
    best = auc(logits[judged], clicks[judged].astype(np.float32))
    assert found is not None
    assert best is not None
    assert found >= best - 0.01, (found, best)


@pytest.mark.parametrize("day", [-3, 0, 7, 31, 90])
def test_a_candidate_scores_as_its_row(model: GroupedRecommender, day: int) -> None:
    """Of every item, whenever it is asked, old and not yet published ones; the context alone would say none of it."""
    at = (BEGIN + timedelta(days=day, hours=5, minutes=17)).isoformat()
    answer = model.recommend(RecommendRequest(context={"user": "u1", "at": at}, k=ITEMS, candidates=tuple(f"m{i}" for i in range(ITEMS))))
    stated = [{"user": "u1", "at": at, "item": item.id, "published": _published(int(item.id[1:]))} for item in answer.items]
    scored = model.score(stated)
    np.testing.assert_allclose([item.score for item in answer.items], [one.score for one in scored], atol=1e-5)
    assert [item.group for item in answer.items] == [one.group for one in scored]
    assert len({round(one.score, 4) for one in scored}) > 1


def test_the_newest_are_first(model: GroupedRecommender) -> None:
    """Of items of one hour, at a time when most are old."""
    at = (BEGIN + timedelta(days=ITEMS)).isoformat()
    best = model.recommend(RecommendRequest(context={"user": "u1", "at": at}, k=5, candidates=tuple(f"m{i}" for i in range(ITEMS))))
    assert all(int(item.id[1:]) >= ITEMS - 12 for item in best.items)


def test_the_explanation_is_of_the_age(model: GroupedRecommender) -> None:
    """Each item's own, as its row's explanation has it."""
    at = (BEGIN + timedelta(days=50)).isoformat()
    request = RecommendRequest(context={"user": "u1", "at": at}, k=2, candidates=("m0", "m49"), explain=True)
    told = {item.id: item.explanation for item in model.recommend(request).items}
    for name, why in told.items():
        (row,) = model.score([{"user": "u1", "at": at, "item": name, "published": _published(int(name[1:]))}], explain=True)
        assert why is not None
        assert row.explanation is not None
        own, other = ([one for one in each.contributions if one.field == AGE] for each in (why, row.explanation))
        assert own[0].values == other[0].values != ("(missing)",)


def test_a_context_without_a_time_has_no_ages(model: GroupedRecommender) -> None:
    """And one that states the age itself is taken at its word, of every candidate."""
    for context in ({"user": "u1"}, {"user": "u1", AGE: 3.0}):
        answer = model.recommend(RecommendRequest(context=context, k=3))
        hour = [{"item": item.id, "published.hour": str(int(item.id[1:]) % 7)} for item in answer.items]
        scored = model.score([{**context, **one} for one in hour])
        np.testing.assert_allclose([item.score for item in answer.items], [one.score for one in scored], atol=1e-5)


def test_an_item_that_is_put_has_its_time(run: Path) -> None:
    """A new one, and one whose time is corrected."""
    model = load_recommender(run / "bundle")
    assert isinstance(model, GroupedRecommender)
    assert model.item_updates is not None
    at, fresh = (BEGIN + timedelta(days=200)).isoformat(), (BEGIN + timedelta(days=199)).isoformat()
    before = model.recommend(RecommendRequest(context={"user": "u1", "at": at}, k=1, candidates=("m3",))).items[0].score
    model.item_updates.describe({"new": {"published": fresh}, "m3": {"published": fresh}}, 1)
    after = model.recommend(RecommendRequest(context={"user": "u1", "at": at}, k=3, candidates=("m3", "new", "m4")))
    rows = [{"user": "u1", "at": at, "item": item.id, "published": fresh if item.id != "m4" else _published(4)} for item in after.items]
    np.testing.assert_allclose([item.score for item in after.items], [one.score for one in model.score(rows)], atol=1e-5)
    assert {item.id for item in after.items[:2]} == {"m3", "new"}
    assert after.items[0].score > before + 0.1
    assert model.item_updates.shown("new") is not None


def test_retrieval_learns_without_ages(model: GroupedRecommender) -> None:
    """The clicked item's age would tell the item: contexts have none of it there."""
    encoder = model.bundle.encoder
    ids = without_ages(encoder, model.bundle.golden.ids)
    slots = age_slots(encoder, AGE)
    assert len(np.unique(ids[:, slots], axis=0)) == 1
    kept = np.ones(ids.shape[1], bool)
    kept[slots] = False
    np.testing.assert_array_equal(ids[:, kept], model.bundle.golden.ids[:, kept])
