"""A pruned model carried on with newer rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from ihas.config.data import DataConfig
from ihas.config.members import MembersConfig
from ihas.config.refresh import RefreshConfig
from ihas.config.retrieval import RetrievalConfig
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_pipelines.runs.predecessor import read_predecessor
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.refresh import refresh_run
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_pipelines.runs.run import run_recipe
from tests.pipelines.runs.clicks import clicks_recipe, write_clicks

pytestmark = [pytest.mark.tf, pytest.mark.slow]

ROWS = 2_000


def _ignore(line: Progress) -> None:
    """Listens to no line."""


def test_a_pruned_model_keeps_its_mask_and_learns_new_items_under_it(tmp_path: Path) -> None:
    """It is wider than the plain model, of fewer multiply-adds, and stays so; trained on or anew, its bundle serves the new items."""
    recipe = clicks_recipe(write_clicks(tmp_path / "old.csv", ROWS))
    changes = {"members": MembersConfig(counts=(2,), larger=(2,)), "retrieval": RetrievalConfig(when="never")}
    recipe = recipe.model_copy(update={"learning": recipe.learning.model_copy(update=changes)})
    source, run = tmp_path / "source", tmp_path / "run"
    run_recipe(recipe, source, _ignore)
    (source / "recipe.json").write_text(recipe.model_dump_json())
    result = orjson.loads((source / "result.json").read_bytes())
    (source / "result.json").write_bytes(orjson.dumps(result | {"chosen": "pruned x2"}))
    newer = DataConfig(path=write_clicks(tmp_path / "new.csv", ROWS * 4 // 3, first_new=ROWS))
    refreshed = refresh_run(RefreshRequest(source=source, data=newer, settings=RefreshConfig()), run, _ignore)

    was, now = (read_predecessor(folder).served for folder in (source, run))
    before, after = (one.valid.auc for one in refreshed.variants)
    assert (was.config.training.embedding_dim, now.config.backbone.members) == (8, 4)
    assert not was.models[0].mask.all()
    assert np.array_equal(now.models[0].mask, was.models[0].mask)
    assert now.cost.multiply_adds == was.cost.multiply_adds
    assert refreshed.refresh is not None
    assert "refresh/anew" in {epoch.model for epoch in refreshed.history}
    assert (refreshed.refit is not None) == refreshed.refresh.anew
    assert after is not None
    assert before is not None
    assert after > before
    recommender = load_recommender(run / "bundle")
    answer = recommender.recommend(RecommendRequest(context={"user": "u1", "place": "a", "age": 20}, k=40))
    assert recommender.degraded == {}
    assert {item.id for item in answer.items} >= {"i21", "i39"}
