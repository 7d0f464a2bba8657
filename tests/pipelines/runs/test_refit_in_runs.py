"""Runs whose choice is trained once more, and runs of the same folder that leave that out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle
from ihas.config.budget import BudgetConfig
from ihas.config.recipe import Recipe
from ihas.data.storage import load_ingested
from ihas.results.frontier import slug
from ihas.results.run_result import RunResult
from ihas.stages.evaluate.variants import Variant
from ihas_pipelines.runs.points import write_point
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.run import run_recipe
from ihas_pipelines.runs.values import read_value
from tests.pipelines.runs.clicks import clicks_recipe, write_clicks
from tests.pipelines.small_run import without_times

pytestmark = [pytest.mark.tf, pytest.mark.slow]


def _ignore(line: Progress) -> None:
    """Listens to no line."""


def _logits(bundle: Path, folder: Path) -> np.ndarray:
    from ihas.serving.grouped.model import GroupedModel

    ids = np.asarray(load_ingested(next((folder / "stages").glob("data-*")) / "encoded").parts.test.ids)
    return GroupedModel(read_bundle(bundle)).logits(ids)[1]


def _run(recipe: Recipe, folder: Path, *, refit: bool) -> RunResult:
    evaluate = recipe.learning.evaluate.model_copy(update={"refit": refit})
    return run_recipe(recipe.model_copy(update={"learning": recipe.learning.model_copy(update={"evaluate": evaluate})}), folder, _ignore)


def test_the_bundle_and_the_point_are_what_was_trained_once_more(tmp_path: Path) -> None:
    """Switched off in the same folder both are the model before, and the result says nothing; switched on again nothing is trained."""
    plain = clicks_recipe(write_clicks(tmp_path / "x.csv", 2_000))
    learning = plain.learning.model_copy(update={"retrieval": plain.learning.retrieval.model_copy(update={"when": "never"})})
    recipe = plain.model_copy(update={"learning": learning, "budget": BudgetConfig(candidates=10)})
    folder = tmp_path / "run"

    on = _run(recipe, folder, refit=True)
    assert on.refit is not None
    assert on.refit.rows == on.rows["train"] + on.rows["valid"]
    assert "trained once more" in on.verdict
    served: Variant = read_value(next((folder / "stages").glob("refit-" + "[0-9a-f]" * 16)))[0]
    before: Variant = read_value(next((folder / "stages").glob(f"variant-{slug(on.chosen)}-*")))
    write_point(folder, on.chosen, tmp_path / "point")
    for bundle in (folder / "bundle", folder / "frontier" / slug(on.chosen), tmp_path / "point"):
        assert np.allclose(_logits(bundle, folder), served.test_logits, atol=1e-4)
        assert read_bundle(bundle).summary["refit"]["rows"] == on.refit.rows
    assert not np.allclose(served.test_logits, before.test_logits, atol=1e-2)
    for point in on.frontier:
        if point.name != on.chosen:
            assert read_bundle(folder / "frontier" / slug(point.name)).summary["refit"] is None
    found, stages = without_times(folder / "result.json"), set((folder / "stages").iterdir())

    off = _run(recipe, folder, refit=False)
    assert (off.refit, off.chosen, off.variants) == (None, on.chosen, on.variants)
    assert "trained once more" not in off.verdict
    for bundle in (folder / "bundle", folder / "frontier" / slug(on.chosen)):
        assert np.allclose(_logits(bundle, folder), before.test_logits, atol=1e-4)

    _run(recipe, folder, refit=True)
    assert without_times(folder / "result.json") == found
    assert set((folder / "stages").iterdir()) == stages
    assert np.allclose(_logits(folder / "bundle", folder), served.test_logits, atol=1e-4)
