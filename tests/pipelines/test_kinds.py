"""A whole run that chooses its kind of backbone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from ihas.bundle.archive import read_bundle
from ihas.config.recipe import Recipe
from ihas.data.synthetic import make_pairs
from ihas_pipelines.runs.run import run_recipe

pytestmark = pytest.mark.tf


@pytest.mark.slow
def test_a_run_goes_on_with_the_kind_that_was_best(tmp_path):
    """The result names the trials, the plain model is of the first one's kind, within the budget, and a second attempt changes nothing."""
    rows = make_pairs(np.random.default_rng(1), 40, 20, (6_000, 10, 10), noise=1).parts.train
    columns = {name: rows.ids[:, i] - rows.layout.first_rows[i] for i, name in enumerate(rows.layout.names)}
    pa.csv.write_csv(pa.table({**columns, "label": rows.labels.astype(np.int32)}), tmp_path / "table.csv")
    recipe = Recipe.model_validate(
        {
            "data": {"path": tmp_path / "table.csv", "columns": {"label": "label", "categorical": rows.layout.names}},
            "budget": {"multiply_adds": 1_500},
            "learning": {
                "backbone": {"kind": "auto", "hidden": [8]},
                "training": {"embedding_dim": 4, "learning_rate": 0.02, "embedding_l2": 1e-5, "epochs": 4},
                "members": {"counts": [], "larger": []},
                "distil": {"members": 0},
                "search": {"epochs": 2},
                "retrain": {"epochs": 2},
                "cluster": {"num_groups": [2]},
                "evaluate": {"controls": False},
            },
        }
    )

    result = run_recipe(recipe, tmp_path / "run", lambda _: None)
    again = run_recipe(recipe, tmp_path / "run", lambda _: None)

    assert {trial.kind for trial in result.kinds} >= {"mlp", "fm", "deepfm"}
    assert all(trial.multiply_adds <= 1_500 for trial in result.kinds)
    assert result.learning.backbone.kind == result.kinds[0].kind
    assert again.kinds == result.kinds
    assert again.variants == result.variants
    read_bundle(tmp_path / "run" / "bundle")
