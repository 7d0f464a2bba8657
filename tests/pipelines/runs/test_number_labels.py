"""Labels that are numbers, from the file to the answer: a table whose expected label is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.table import Table
from safetensors.numpy import load_file

from ihas.bundle.manifest import WITHOUT_TASKS, read_manifest
from ihas.config.data import SchemaConfig
from ihas.errors import RequestError
from ihas.graded_metrics import concordance
from ihas.results.run_result import RunResult
from ihas.serving.answers import RecommendRequest, Scored
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from ihas_pipelines.batch.answering import recommending, scoring
from ihas_service.cli.tables import scores as score_table
from ihas_service.python.model import Model
from tests.oracle import parts_of
from tests.pipelines.table_run import finished_run

pytestmark = [pytest.mark.tf, pytest.mark.slow]

ROWS, USERS, ITEMS = 8_000, 20, 16
LOW, HIGH = 1.0, 5.0


def _table() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows, and the label that is to be expected of each: float64 (rows,)."""
    rng = np.random.default_rng(7)
    users, items = rng.integers(0, USERS, ROWS), rng.integers(0, ITEMS, ROWS)
    tastes, qualities = rng.normal(size=USERS), rng.normal(size=ITEMS)
    share = 1.0 / (1.0 + np.exp(-(tastes[users] + qualities[items])))
    mean = LOW + (HIGH - LOW) * share
    stars = LOW + rng.binomial(4, share)  # 1 to 5, of this mean
    return {"user": users, "film": items, "stars": stars}, mean


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that knows the columns and the range."""
    columns, _ = _table()
    settings = SchemaConfig(label="stars", label_range=(LOW, HIGH), categorical=("user", "film"), item_id="film", user_id="user")
    return finished_run({name: column.tolist() for name, column in columns.items()}, settings, 8, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def result(run: Path) -> RunResult:
    """What the run found."""
    return RunResult.model_validate_json((run / "result.json").read_bytes())


def test_the_best_r2_and_concordance_are_nearly_reached(result: RunResult) -> None:
    """Those of the expected labels themselves, on the rows that are judged."""
    columns, mean = _table()
    _, valid = parts_of(ROWS)
    stars, expected = columns["stars"][valid], mean[valid]
    best_r2 = 1.0 - ((stars - expected) ** 2).mean() / stars.var()
    best = concordance(expected, (stars - LOW) / (HIGH - LOW))
    found = next(one.valid for one in result.variants if one.name == result.chosen)
    assert found.r2 == pytest.approx(best_r2, abs=0.01)
    assert found.auc == pytest.approx(best, abs=0.01)
    assert found.rmse == pytest.approx(np.sqrt(((stars - expected) ** 2).mean()), rel=0.01)
    assert found.mae is not None
    assert 0.0 < found.mae <= found.rmse


def test_the_result_says_what_was_predicted(result: RunResult) -> None:
    """The range, the errors of the chosen model, and its calibration."""
    assert result.label_range == (LOW, HIGH)
    assert "a number from 1 to 5" in result.verdict
    assert "RMSE" in result.verdict
    assert result.calibration is not None
    assert result.calibration.error < 0.05
    assert all(group.test.rmse is not None for group in result.groups)


def test_answers_have_the_expected_number(run: Path) -> None:
    """Beside the score, of which it is a function; every answer is between the ends of the range."""
    model = load_recommender(run / "bundle")
    scored = model.score([{"user": "3", "film": "5"}], explain=True)[0]
    assert scored.value == pytest.approx(LOW + (HIGH - LOW) * scored.score)
    assert scored.explanation is not None
    best = model.recommend(RecommendRequest(context={"user": "3"}, k=ITEMS))
    values = [item.value for item in best.items]
    assert values == sorted(values, reverse=True)
    assert all(isinstance(value, float) and LOW < value < HIGH for value in values)
    shown = model.recommend(RecommendRequest(context={"user": "3"}, k=2, fields=("film",))).items[0]
    assert (shown.fields, shown.value) == ({"film": shown.id}, values[0])


def test_a_user_has_seen_what_the_user_gave_any_number_to(run: Path) -> None:
    """All films here."""
    with pytest.raises(RequestError, match="all 16 are excluded"):
        load_recommender(run / "bundle").recommend(RecommendRequest(context={"user": "3"}, exclude_seen=True))


def test_served_numbers_are_those_of_the_run(run: Path) -> None:
    """Golden rows score as they were exported, and older readers refuse the bundle."""
    model = load_recommender(run / "bundle")
    assert isinstance(model, GroupedRecommender)
    golden = load_file(run / "bundle" / "golden.safetensors")
    np.testing.assert_allclose(model.score_ids(golden["ids"])[1], golden["logits"], atol=1e-5)
    assert read_manifest(run / "bundle").version == WITHOUT_TASKS


def test_every_way_of_asking_has_the_number(run: Path) -> None:
    """Python, batches, the terminal, and JSON; a model of clicks has none in its JSON."""
    model, rows = Model(run / "bundle", run), [{"user": "3", "film": "5"}, {"user": "4", "film": "6"}]
    values: list[Any] = [one.value for one in model.score(rows)]
    assert model.predict(rows).tolist() == values
    places, columns = scoring(model.recommender).answer(rows, 1)
    assert (places, columns["value"]) == ([0, 1], values)
    _, items = recommending(model.recommender, RecommendRequest(k=2)).answer([{"user": "3"}], 1)
    assert len(items["value"]) == 2
    table = score_table(msgspec.to_builtins(model.score(rows)))
    assert isinstance(table, Table)
    assert table.columns[-1].header == "value"
    assert b'"value"' not in msgspec.json.encode(Scored(0.5, 0.0, 0, ()))
