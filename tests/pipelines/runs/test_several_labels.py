"""Several labels, from the file to the answer: a table whose probabilities of a click and of a purchase are known."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

from ihas.bundle.archive import read_bundle
from ihas.bundle.manifest import FORMAT_VERSION, read_manifest
from ihas.config.data import SchemaConfig
from ihas.metrics import auc, sigmoid
from ihas.results.run_result import RunResult
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from ihas_pipelines.batch.answering import recommending, scoring
from ihas_service.python.model import Model
from tests.oracle import parts_of
from tests.pipelines.table_run import finished_run

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.timeout(900)]

ROWS, USERS, ITEMS, DEVICES, PRICES = 12_000, 20, 16, 8, 8
MISSING = 0.2
EXPONENT = 2.0


def _table() -> tuple[dict[str, list[str]], np.ndarray, np.ndarray]:
    """Rows, and log-odds of a click and of a purchase, float64 (rows,) each, which depend on different fields."""
    rng = np.random.default_rng(7)
    users, items, devices = (rng.integers(0, size, ROWS) for size in (USERS, ITEMS, DEVICES))
    prices = rng.integers(0, PRICES, ITEMS)
    click = rng.normal(size=USERS)[users] + rng.normal(size=ITEMS)[items]
    buy = 1.5 * rng.normal(size=DEVICES)[devices] + 1.5 * rng.normal(size=PRICES)[prices[items]]
    clicked, bought = rng.random(ROWS) < sigmoid(click), rng.random(ROWS) < sigmoid(buy)
    known = rng.random(ROWS) >= MISSING
    columns = {
        "user": [str(user) for user in users],
        "film": [str(item) for item in items],
        "device": [str(device) for device in devices],
        "price": [str(price) for price in prices[items]],
        "click": ["1" if one else "0" for one in clicked],
        "bought": [("yes" if one else "no") if told else "" for one, told in zip(bought, known, strict=True)],
    }
    return columns, click, buy


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that ranks by click and purchase."""
    columns, _, _ = _table()
    settings = SchemaConfig.model_validate(
        {
            "label": "click",
            "tasks": {"bought": {"positive": "yes", "exponent": EXPONENT}},
            "categorical": ["user", "film", "device", "price"],
            "item": ["price"],
            "item_id": "film",
            "user_id": "user",
        }
    )
    return finished_run(columns, settings, 8, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def result(run: Path) -> RunResult:
    """What the run found."""
    return RunResult.model_validate_json((run / "result.json").read_bytes())


def test_both_labels_are_nearly_predicted_as_well_as_they_can_be(result: RunResult) -> None:
    """Best AUCs are those of the log-odds that labels were drawn from, on the rows that are judged."""
    columns, click, buy = _table()
    _, valid = parts_of(ROWS)
    clicked = np.array([cell == "1" for cell in columns["click"][valid]], np.float32)
    known = np.array([cell != "" for cell in columns["bought"][valid]])
    bought = np.array([cell == "yes" for cell in columns["bought"][valid]], np.float32)[known]
    first, second = result.tasks
    assert (first.name, first.exponent, second.name, second.exponent) == ("click", 1.0, "bought", EXPONENT)
    assert first.valid.auc == pytest.approx(auc(click[valid], clicked), abs=0.01)
    assert second.valid.auc == pytest.approx(auc(buy[valid][known], bought), abs=0.01)
    assert second.valid.rows == int(known.sum()) < first.valid.rows
    for one in result.tasks:
        assert one.calibration is not None
        assert one.calibration.error < 0.06
        assert one.test.log_loss is not None


def test_the_first_label_is_what_variants_are_compared_by(result: RunResult) -> None:
    """Its metrics are those of the chosen variant; nothing that learns one label was trained."""
    chosen = next(one for one in result.variants if one.name == result.chosen)
    assert result.tasks[0].valid == chosen.valid.model_copy(update={"user_auc": None, "user_ndcg": None})
    assert not {one.name for one in result.variants} & {"static", "supernet", "grouped", "distilled", "teacher"}
    assert {epoch.model.split("/")[0] for epoch in result.history} == {"base"}


def test_the_bundle_answers_as_the_run_did(run: Path) -> None:
    """Golden rows of both labels score within 1e-5; older readers refuse the bundle."""
    model = load_recommender(run / "bundle")
    assert isinstance(model, GroupedRecommender)
    golden, tasks = load_file(run / "bundle" / "golden.safetensors"), load_file(run / "bundle" / "tasks.safetensors")
    np.testing.assert_allclose(model.score_ids(golden["ids"])[1], golden["logits"], atol=1e-5)
    np.testing.assert_allclose(model.model.task_logits(golden["ids"])[0], tasks["golden-0"], atol=1e-5)
    assert np.abs(golden["logits"] - tasks["golden-0"]).max() > 0.5
    assert read_manifest(run / "bundle").version == FORMAT_VERSION
    assert model.schema.exponents == {"click": 1.0, "bought": EXPONENT}


def test_rows_have_a_probability_of_each_label(run: Path) -> None:
    """The score is the product of the probabilities to their exponents; probabilities are those of the table."""
    columns, click, buy = _table()
    model = load_recommender(run / "bundle")
    fields = ("user", "film", "device", "price")
    scored = model.score([{name: columns[name][row] for name in fields} for row in range(500)])
    for one in scored:
        assert isinstance(one.scores, dict)
        assert one.score == pytest.approx(one.scores["click"] * one.scores["bought"] ** EXPONENT)
        assert one.score == pytest.approx(sigmoid(np.array([one.logit]))[0])
    both = np.array([[one.scores["click"], one.scores["bought"]] for one in scored if isinstance(one.scores, dict)])
    assert np.corrcoef(both[:, 0], sigmoid(click[:500]))[0, 1] > 0.95
    assert np.corrcoef(both[:, 1], sigmoid(buy[:500]))[0, 1] > 0.95


def test_items_are_ranked_by_the_formula(run: Path) -> None:
    """Items scored from sums have the scores of their rows, and stand in the order of the formula; explanations stay of the first label."""
    columns, _, _ = _table()
    model = load_recommender(run / "bundle")
    price = dict(zip(columns["film"], columns["price"], strict=True))
    context = {"user": "3", "device": "5"}
    found = model.recommend(RecommendRequest(context=context, k=ITEMS, explain=True)).items
    rows = model.score([{**context, "film": item.id, "price": price[item.id]} for item in found])
    assert [item.score for item in found] == pytest.approx([row.score for row in rows], abs=1e-5)
    assert [item.scores for item in found] == [pytest.approx(row.scores, abs=1e-5) for row in rows]
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)
    clicks = [item.scores["click"] for item in found if isinstance(item.scores, dict)]
    assert clicks != sorted(clicks, reverse=True)
    assert found[0].explanation is not None
    assert b'"scores":{"click":' in msgspec.json.encode(found[0])


def test_every_way_of_asking_has_both(run: Path) -> None:
    """Python and batches."""
    model, rows = Model(run / "bundle", run), [{"user": "3", "film": "5"}, {"user": "4", "film": "6"}]
    scores = [one.scores for one in model.score(rows)]
    assert model.predict_proba(rows)[:, 1].tolist() == [one["click"] for one in scores if isinstance(one, dict)]
    _, columns = scoring(model.recommender).answer(rows, 1)
    assert [{"click": c, "bought": b} for c, b in zip(columns["score_click"], columns["score_bought"], strict=True)] == scores
    _, items = recommending(model.recommender, RecommendRequest(k=2)).answer([{"user": "3"}], 1)
    assert len(items["score_click"]) == len(items["score_bought"]) == 2


def test_every_label_reads_one_table(run: Path) -> None:
    """The bottom is shared: one table, and the same first layer, of which items' sums are held once."""
    bundle = read_bundle(run / "bundle")
    first, second = bundle.models
    assert first.two_sided is not None
    assert second.two_sided is not None
    assert np.array_equal(first.table, second.table)
    assert np.array_equal(first.two_sided.kernel, second.two_sided.kernel)
    assert len({entry.table for entry in read_manifest(run / "bundle").paths}) == 1
