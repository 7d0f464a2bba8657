"""A table of positives, from the file to the ranking of all items, where the best answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.manifest import WITHOUT_HASHES, read_manifest
from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.split import SplitConfig
from ihas.config.training import TrainingConfig
from ihas.data.newest import load_newest
from ihas.metrics import auc
from ihas.results.run_result import RunResult
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from tests.ihas.data.tables import written
from tests.pipelines.runs.clicks import clicks_recipe
from tests.pipelines.small_run import finish, start

pytestmark = [pytest.mark.tf, pytest.mark.slow]

USERS, ITEMS, TASTES, LIKING = 400, 100, 5, 12.0


def _weights(taste: int) -> np.ndarray:
    """How likely a user of a taste takes each item, up to a factor: those of the same genre are `LIKING` times as likely."""
    return np.where(np.arange(ITEMS) % TASTES == taste, LIKING, 1.0)


def _table(path: Path) -> Path:
    rng = np.random.default_rng(5)
    lines = ["user,taste,item,genre"]
    for user in range(USERS):
        weights = _weights(user % TASTES)
        taken = rng.choice(ITEMS, 10, replace=False, p=weights / weights.sum()).tolist()
        lines += [f"u{user},t{user % TASTES},m{item},g{item % TASTES}" for item in taken]
    return written(path, "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on users of five tastes."""
    folder = tmp_path_factory.mktemp("positives")
    columns = SchemaConfig(user_id="user", user=("taste",), item_id="item", item=("genre",), negatives={"per_positive": 2})  # type: ignore[arg-type]
    data = DataConfig(path=_table(folder / "taken.csv"), columns=columns)
    recipe = clicks_recipe(data.path)
    training = TrainingConfig(embedding_dim=4, batch_size=128, learning_rate=0.01, embedding_l2=1e-3, epochs=12)
    learning = recipe.learning.model_copy(update={"training": training, "split": SplitConfig()})
    recipe = recipe.model_copy(update={"data": data, "learning": learning})
    finish(start(recipe, folder / "run"))
    assert (folder / "run" / "result.json").exists(), (folder / "run" / "log.txt").read_text()[-2000:]
    return folder / "run"


def _result(run: Path) -> RunResult:
    return RunResult.model_validate_json((run / "result.json").read_bytes())


def test_the_best_auc_is_reached(run: Path) -> None:
    """Drawn rows are told from taken ones as well as their known likelihoods tell them, to .01."""
    (folder,) = (path for path in (run / "stages").iterdir() if path.name.startswith("data-"))
    newest = load_newest(folder / "encoded")
    assert newest is not None
    known = np.array([_weights(int(row["taste"][1:]))[int(row["item"][1:])] for row in newest.rows])
    result = _result(run)
    chosen = next(one for one in result.variants if one.name == result.chosen)
    assert chosen.test.rows == len(newest.labels)
    assert (chosen.test.auc or 0.0) >= (auc(known, newest.labels) or 1.0) - 0.01
    assert chosen.test.user_auc is not None


def test_all_items_are_ranked(run: Path) -> None:
    """Of the items of a user's genre that are left, ten come first about as often as is possible, and far oftener than popular ones."""
    ranking = _result(run).ranking
    assert ranking is not None
    assert (ranking.items, ranking.rows, ranking.unknown_items, ranking.numbers) == (ITEMS, 400, 0, (10, 50, 100))
    best = LIKING * 20 / (LIKING * 20 + 80) * 10 / 13  # about 13 of 20 items of the genre are left to a user
    assert best - 0.08 < ranking.recall[0] < best + 0.12
    assert ranking.recall[0] > 2 * ranking.popularity_recall[0]
    assert ranking.recall[-1] == 1.0
    assert list(ranking.ndcg) == sorted(ranking.ndcg)


def test_the_report_warns_of_drawn_negatives(run: Path) -> None:
    """The verdict and the page say what AUC is of, and the bundle is one that older readers refuse."""
    words = "Negatives were drawn, 2 for each positive, alike: AUC tells items taken from items drawn"
    assert words in _result(run).verdict
    page = (run / "report.html").read_text()
    assert words in page
    assert "How high items that were taken rank among all" in page
    assert "AUC per user" in page
    assert read_manifest(run / "bundle").version == WITHOUT_HASHES


def test_what_was_taken_can_be_left_out(run: Path) -> None:
    """The bundle knows its users: one is enough to ask for, and nothing that was taken is recommended again."""
    recommender = load_recommender(run / "bundle")
    answer = recommender.recommend(RecommendRequest({"user": "u3"}, k=5, exclude_seen=True))
    assert len(answer.items) == 5
    assert sum(int(one.id[1:]) % TASTES == 3 for one in answer.items) >= 4
