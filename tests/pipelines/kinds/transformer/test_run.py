"""A run of the kind `transformer`, whole on a small file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.config.transformer import TransformerRecipe
from ihas.errors import ConfigError, DataError
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_pipelines.kinds.recipe_file import read_any_recipe
from ihas_pipelines.kinds.transformer.run import run_transformer
from ihas_pipelines.kinds.transformer.values import TransformerResult
from ihas_pipelines.runs.progress import Progress
from tests.paths import ROOT

pytestmark = pytest.mark.tf

RECIPES = ROOT / "pipelines" / "recipes" / "transformer"
RECIPE = """
kind = "transformer"
[data]
path = "walks.txt"
format = "sequences"
[learning.transformer]
max_length = 6
num_layers = 1
dim = 8
dropout_first = 0.0
[learning.training]
batch_targets = 32
epochs = 12
learning_rate = 0.02
stop_by = "loss"
sgd_learning_rate = 0.05
"""


def _recipe(folder: Path) -> TransformerRecipe:
    (folder / "walks.toml").write_text(RECIPE)
    recipe = read_any_recipe(folder / "walks.toml")
    assert isinstance(recipe, TransformerRecipe)
    return recipe


def test_trains_measures_and_serves(tmp_path: Path) -> None:
    """On walks round a circle of nine items the next one is found for most users, beyond popularity; the bundle recommends it."""
    walks = [" ".join(f"i{(start + place) % 9}" for place in range(6)) for start in range(9)]
    lines = [f"u{number} {walk}" for number, walk in enumerate(walks * 12)]
    (tmp_path / "walks.txt").write_text("\n".join(lines) + "\n")
    heard: list[Progress] = []
    result = run_transformer(_recipe(tmp_path), tmp_path / "run", heard.append)
    assert (result.test.rows, result.users, result.items, result.parameters) == (108, 108, 9, 768)
    assert result.test.hit_rate[5] > 0.9
    assert result.gain.low > 0.0
    assert 0.0 < result.loss < np.log(9)
    assert result.verdict.startswith("The transformer ranks better than popularity")
    assert f"{result.gain.difference:+.4f}, 95 % interval {result.gain.low:+.4f} to {result.gain.high:+.4f}. Next: " in result.verdict
    assert TransformerResult.model_validate_json((tmp_path / "run" / "result.json").read_bytes()) == result
    assert result.verdict[:60] in (tmp_path / "run" / "report.html").read_text()
    assert [said.fraction for said in heard] == sorted(said.fraction for said in heard)
    assert heard[-1].outcome == "succeeded"
    served = load_recommender(tmp_path / "run" / "bundle")
    assert served.name == "walks"
    assert served.recommend(RecommendRequest({"history": ["i2", "i3", "i4"]}, k=1)).items[0].id == "i5"


def test_short_histories_teach_nothing(tmp_path: Path) -> None:
    """Where no user has items to validate and to test on, it is said, and no bundle is written."""
    (tmp_path / "walks.txt").write_text("u1 a b\nu2 b a\n")
    with pytest.raises(DataError, match="a user with 3 items or more"):
        run_transformer(_recipe(tmp_path), tmp_path / "run", lambda _: None)
    assert not (tmp_path / "run" / "bundle").exists()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    """Every shipped recipe is of the kind, and judges by NDCG."""
    recipe = read_any_recipe(path)
    assert isinstance(recipe, TransformerRecipe)
    assert recipe.learning.training.stop_by == "ndcg"


def test_a_broken_recipe_is_refused(tmp_path: Path) -> None:
    """A setting that is none is named."""
    (tmp_path / "bad.toml").write_text('kind = "transformer"\n[data]\npath = "x"\n[learning.transformer]\nwidth = 3\n')
    with pytest.raises(ConfigError, match=r"learning.transformer.width"):
        read_any_recipe(tmp_path / "bad.toml")
