"""A ladder: whole on a small file, gone on with, and what it foretells where the law is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ihas.errors import ConfigError
from ihas.sequential.advised import Measured
from ihas.sequential.ladder_config import LadderRecipe
from ihas.sequential.scaling_law import ScalingLaw
from pipelines.progress import Progress
from pipelines.recipe import read_of_kind
from pipelines.scaling.advisor import write_advice
from pipelines.scaling.command import advise_size
from pipelines.scaling.ladder import climb, forecast, measured
from pipelines.scaling.page import figure, markdown, sentence

RECIPES = Path(__file__).parents[3] / "pipelines" / "recipes" / "scaling"
PLAN = """
kind = "ladder"
[data]
path = "walks.txt"
format = "sequences"
[learning]
sizes = [[1, 8, 1], [1, 4, 2]]
seeds = [0]
fractions = [0.5]
[learning.transformer]
max_length = 6
dropout_first = 0.0
[learning.training]
batch_targets = 64
epochs = 1
stop_by = "loss"
sgd_learning_rate = 0.1
"""
LAW = ScalingLaw(3.0, 1e4, 0.4)


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    """A recipe beside the walks that it names."""
    rng = np.random.default_rng(0)
    walks = [" ".join(f"i{(start + place) % 9}" for place in range(6)) for start in rng.integers(9, size=30)]
    (tmp_path / "walks.txt").write_text("\n".join(f"u{number} {walk}" for number, walk in enumerate(walks)) + "\n")
    (tmp_path / "walks.toml").write_text(PLAN)
    return tmp_path / "walks.toml"


def _sizes(count: int, noise: float = 0.001) -> list[Measured]:
    rng, dims = np.random.default_rng(0), (8, 16, 32, 64)[:count]
    losses = {dim: float(LAW.predict(24 * dim**2)) + noise * rng.normal(size=3) for dim in dims}
    return [Measured(num_layers=2, dim=dim, losses=tuple(losses[dim]), seconds=float(dim)) for dim in dims]


def test_a_ladder_is_trained_once(plan_file: Path, tmp_path: Path) -> None:
    """Every size on every fraction, smallest first; a second call trains nothing and says nothing."""
    plan, heard = read_of_kind(plan_file, LadderRecipe), list[str]()
    ladder = climb(plan, tmp_path, heard.append)
    found = [(rung.dim, rung.fraction, rung.parameters) for rung in ladder.rungs]
    assert found == [(4, 0.5, 192), (8, 0.5, 768), (4, 1.0, 192), (8, 1.0, 768)]
    assert [rung.interactions for rung in ladder.rungs] == [60, 60, 120, 120]
    assert all(0.0 < rung.loss < 3.0 for rung in ladder.rungs)
    assert len(heard) == 4
    assert climb(plan, tmp_path, heard.append) == ladder
    assert len(heard) == 4
    assert [one.dim for one in measured(ladder.rungs)] == [4, 8]
    assert markdown(ladder).count("| 1 x ") == 2


def test_the_largest_is_foretold() -> None:
    """On losses of a known law, fitted to three sizes, the fourth is met within .02 nats, and the sentence says by how much."""
    found = forecast(_sizes(4), np.random.default_rng(0))
    assert abs(found.foretold.difference - found.measured) < 0.02
    assert "off by 0.0" in sentence(_sizes(4))
    with pytest.raises(ConfigError, match="three sizes and a larger one"):
        forecast(_sizes(3), np.random.default_rng(0))
    assert "three sizes and a larger one" in sentence(_sizes(3))


def test_figure_draws_every_seed_and_the_law() -> None:
    """Twelve points on a logarithmic axis and a line through them; where the loss rises there is no line, and the title says so."""
    drawn = figure(_sizes(4))
    assert len(drawn.data[0].x) == 12
    assert (len(drawn.data), drawn.layout.xaxis.type) == (2, "log")
    rising = [one.model_copy(update={"losses": (4.0 + one.dim,)}) for one in _sizes(4)]
    assert len(figure(rising).data) == 1
    assert "no law" in figure(rising).layout.title.text


def test_advice_is_written(tmp_path: Path) -> None:
    """Document and figure lie in the folder, the advised size a star with its interval."""
    found = write_advice(_sizes(4), 1000.0, tmp_path)
    assert json.loads((tmp_path / "advice.json").read_text())["reason"] == found.reason
    assert not found.choice.measured
    assert '"symbol":"star"' in (tmp_path / "advice.html").read_text()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_ladders_have_four_sizes(path: Path) -> None:
    """Every shipped recipe is valid, judges by loss, and has a size to foretell from three smaller ones."""
    learning = read_of_kind(path, LadderRecipe).learning
    assert learning.training.stop_by == "loss"
    assert len({learning.config(size).num_parameters for size in learning.sizes}) >= 4


def test_advice_is_reported_as_a_run_is(plan_file: Path, tmp_path: Path) -> None:
    """A line a rung, ever nearer to the end, and the reason as the last one, which is the advice's."""
    sizes = [[1, 4, 1], [1, 8, 1], [1, 12, 1]]
    recipe, heard = (
        read_of_kind(plan_file, LadderRecipe, [f"learning.sizes={sizes}", "learning.fractions=[]", "seconds=1000.0"]),
        list[Progress](),
    )
    found = advise_size(recipe, tmp_path / "advice", heard.append)
    assert found is not None
    assert len(heard) == 1 + 3 + 1
    assert [said.fraction for said in heard] == sorted(said.fraction for said in heard)
    assert (heard[-1].message, heard[-1].outcome) == (found.reason, "succeeded")
    assert json.loads((tmp_path / "advice" / "advice.json").read_text())["reason"] == found.reason


def test_broken_recipes_are_refused(tmp_path: Path) -> None:
    """No file, another kind, and heads that do not divide are said."""
    with pytest.raises(ConfigError, match="readable file"):
        read_of_kind(tmp_path / "none.toml", LadderRecipe)
    (tmp_path / "bad.toml").write_text('kind = "ladder"\n[data]\npath = "x"\n[learning]\nsizes = [[1, 8, 3]]\n')
    with pytest.raises(ConfigError, match="`num_heads` must divide"):
        read_of_kind(tmp_path / "bad.toml", LadderRecipe)
    (tmp_path / "other.toml").write_text('kind = "transformer"\n[data]\npath = "x"\n')
    with pytest.raises(ConfigError, match="of another"):
        read_of_kind(tmp_path / "other.toml", LadderRecipe)
