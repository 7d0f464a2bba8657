"""A recipe of a sequential transformer, whole on a small file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.errors import ConfigError
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from pipelines.transformer import TransformerResult, carry_out, read_transformer_recipe

RECIPES = Path(__file__).parents[2] / "pipelines" / "recipes" / "transformer"
RECIPE = """
sequences = "walks.txt"
[transformer]
max_length = 6
num_layers = 1
dim = 8
dropout_first = 0.0
[training]
batch_targets = 32
epochs = 12
learning_rate = 0.02
stop_by = "loss"
sgd_learning_rate = 0.05
"""


def test_trains_measures_and_serves(tmp_path: Path) -> None:
    """On walks round a circle of nine items the next one is found for most users, and the bundle that was written recommends it."""
    walks = [" ".join(f"i{(start + place) % 9}" for place in range(6)) for start in range(9)]
    lines = [f"u{number} {walk}" for number, walk in enumerate(walks * 12)]
    (tmp_path / "walks.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "walks.toml").write_text(RECIPE)
    result = carry_out(read_transformer_recipe(tmp_path / "walks.toml"), tmp_path / "run")
    assert result.test.rows == 108
    assert result.test.hit_rate[5] > 0.9
    assert TransformerResult.model_validate_json((tmp_path / "run" / "result.json").read_bytes()) == result
    served = load_recommender(tmp_path / "run" / "bundle")
    assert served.name == "walks"
    assert served.recommend(RecommendRequest({"history": ["i2", "i3", "i4"]}, k=1)).items[0].id == "i5"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    """Every shipped recipe names its file and judges by NDCG."""
    assert read_transformer_recipe(path).training.stop_by == "ndcg"


def test_broken_recipes_are_refused(tmp_path: Path) -> None:
    """No file, and a setting that is none, are said."""
    with pytest.raises(ConfigError, match="readable file"):
        read_transformer_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text('sequences = "x"\n[transformer]\nwidth = 3\n')
    with pytest.raises(ConfigError, match=r"transformer.width"):
        read_transformer_recipe(tmp_path / "bad.toml")
