"""A size sweep: whole on a small file, resumed, and its predictions where the law is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ihas.config.size_sweep import SizeSweepRecipe
from ihas.errors import ConfigError
from ihas.sequential.data.ranking import RankingMetrics
from ihas.sequential.scaling.advised import Measured
from ihas.sequential.scaling.scaling_law import JointScalingLaw, ScalingLaw
from ihas_pipelines.kinds.recipe_file import read_of_kind
from ihas_pipelines.kinds.size_sweep.advisor import write_advice
from ihas_pipelines.kinds.size_sweep.laws import joint_prediction, measured, predict_largest
from ihas_pipelines.kinds.size_sweep.page import joint_sentence, markdown, plot, sentence, task_rows
from ihas_pipelines.kinds.size_sweep.run import carry_out
from ihas_pipelines.kinds.size_sweep.sweep import TrainedSize, train_sizes
from ihas_pipelines.kinds.size_sweep.values import SizeSweepResult
from ihas_pipelines.runs.progress import Progress
from tests.paths import ROOT

pytestmark = pytest.mark.tf

RECIPES = ROOT / "pipelines" / "recipes" / "scaling"
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


@pytest.mark.slow
def test_a_size_is_trained_once(plan_file: Path, tmp_path: Path) -> None:
    """Every size on every fraction, smallest first; a second call trains nothing and says nothing."""
    plan, heard = read_of_kind(plan_file, SizeSweepRecipe), list[str]()
    sweep = train_sizes(plan, tmp_path, lambda _, message: heard.append(message))
    found = [(one.dim, one.fraction, one.parameters) for one in sweep.rungs]
    assert found == [(4, 0.5, 192), (8, 0.5, 768), (4, 1.0, 192), (8, 1.0, 768)]
    assert [one.interactions for one in sweep.rungs] == [60, 60, 120, 120]
    assert all(0.0 < one.loss < 3.0 for one in sweep.rungs)
    assert len(heard) == 4
    assert train_sizes(plan, tmp_path, lambda _, message: heard.append(message)) == sweep
    assert len(heard) == 4
    assert [one.dim for one in measured(sweep.rungs)] == [4, 8]
    assert markdown(sweep).count("| 1 x ") == 2
    assert "Size and data together" in markdown(sweep)
    assert task_rows(sweep.rungs) == []


def test_a_sweep_is_resumed_only_under_its_own_settings(plan_file: Path, tmp_path: Path) -> None:
    """More seeds and sizes are added; other training settings and a file that changed are refused, and what is known stays."""
    overrides = ["learning.sizes=[[1, 4, 1]]", "learning.fractions=[]"]
    train_sizes(read_of_kind(plan_file, SizeSweepRecipe, overrides), tmp_path, lambda *_: None)
    two = train_sizes(read_of_kind(plan_file, SizeSweepRecipe, [*overrides, "learning.seeds=[0, 1]"]), tmp_path, lambda *_: None)
    assert [(each.num_heads, each.seed) for each in two.rungs] == [(1, 0), (1, 1)]
    one = train_sizes(read_of_kind(plan_file, SizeSweepRecipe, [*overrides, "learning.seeds=[1]"]), tmp_path, lambda *_: None)
    assert [each.seed for each in one.rungs] == [1]
    before = (tmp_path / "ladder.json").read_bytes()
    with pytest.raises(ConfigError, match="the same data and settings"):
        train_sizes(read_of_kind(plan_file, SizeSweepRecipe, [*overrides, "learning.training.epochs=2"]), tmp_path, lambda *_: None)
    (tmp_path / "walks.txt").write_text((tmp_path / "walks.txt").read_text() + "new i1 i2 i3\n")
    with pytest.raises(ConfigError, match="the same data and settings"):
        train_sizes(read_of_kind(plan_file, SizeSweepRecipe, overrides), tmp_path, lambda *_: None)
    assert (tmp_path / "ladder.json").read_bytes() == before


def test_tasks_are_a_table_beside_the_losses(plan_file: Path, tmp_path: Path) -> None:
    """On walks around a ring of nine, each item tells the next: the last one alone is enough, and the table holds the means."""
    overrides = [
        "learning.sizes=[[1, 8, 1]]", "learning.seeds=[0, 1]", "learning.fractions=[]", "learning.tasks=true",
        "learning.training.epochs=30", "learning.training.learning_rate=0.03", "learning.training.patience=9",
    ]  # fmt: skip
    sweep = train_sizes(read_of_kind(plan_file, SizeSweepRecipe, overrides), tmp_path, lambda *_: None)
    tasks = [one.tasks for one in sweep.rungs]
    for one in tasks:
        assert one is not None
        assert one.cold_start[1].mrr == 1.0
        assert one.roll_out[1].rows == one.roll_out[2].rows == 30
        assert one.deleted[0.3] == pytest.approx(0.0, abs=0.2)
        assert sum(figures.rows for figures in one.popularity.values()) == 30
    head, _, row, _ = task_rows(sweep.rungs)
    assert (head.count("|"), row.count("|")) == (len(tasks[0].row()) + 2,) * 2 if tasks[0] else ()
    assert row.startswith("| 1 x 8 | ")


def test_the_largest_is_predicted() -> None:
    """On losses of a known law, fitted to three sizes, the fourth is met within .02 nats, and the sentence says by how much."""
    found = predict_largest(_sizes(4), np.random.default_rng(0))
    assert abs(found.predicted.difference - found.measured) < 0.02
    assert "off by 0.0" in sentence(_sizes(4))
    with pytest.raises(ConfigError, match="three sizes and a larger one"):
        predict_largest(_sizes(3), np.random.default_rng(0))
    assert "three sizes and a larger one" in sentence(_sizes(3))


def _points(losses: np.ndarray) -> list[TrainedSize]:
    """Four sizes by three amounts of data, rows of `losses` being sizes."""
    figures = RankingMetrics(rows=1, hit_rate={10: 0.0}, ndcg={10: 0.0}, mrr=0.0)
    return [
        TrainedSize(
            num_layers=2, dim=dim, num_heads=1, parameters=24 * dim**2, seed=0, fraction=fraction, interactions=int(1e6 * fraction),
            loss=float(losses[row, column]), figures=figures, epochs=1, seconds=1.0,
        )
        for row, dim in enumerate((8, 16, 32, 64))
        for column, fraction in enumerate((0.25, 0.5, 1.0))
    ]  # fmt: skip


def test_size_and_data_predict_the_largest_size_on_all_users() -> None:
    """Losses of a known joint law give it back from eleven of twelve points, and the twelfth; a loss that grows with data is no law."""
    law = JointScalingLaw(3.0, 2e4, 0.35, 5e4, 0.5)
    sizes, data = np.array([[24.0 * dim**2] for dim in (8, 16, 32, 64)]), np.array([[0.25e6, 0.5e6, 1e6]])
    found = joint_prediction(_points(law.predict(sizes, data)))
    assert (found.law.size_exponent, found.law.data_exponent) == pytest.approx((0.35, 0.5), abs=1e-5)
    assert found.predicted == pytest.approx(found.measured, abs=1e-6)
    assert "off by 0.0000 nats." in joint_sentence(_points(law.predict(sizes, data)))
    assert "must fall with D" in joint_sentence(_points(law.predict(sizes, 1e12 / data)))


def test_a_law_at_the_end_of_its_range_says_so() -> None:
    """Losses that fall by the same amount with every size are a logarithm: the sentence says that E cannot be told."""
    straight = [one.model_copy(update={"losses": (5.0 - 0.1 * place,) * 2}) for place, one in enumerate(_sizes(4))]
    assert "E cannot be told" in sentence(straight)
    assert "E cannot be told" not in sentence(_sizes(4))


def test_the_plot_draws_every_seed_and_the_law() -> None:
    """Twelve points on a logarithmic axis and a line through them; where the loss rises there is no line, and the title says so."""
    drawn = plot(_sizes(4))
    assert len(drawn.data[0].x) == 12
    assert (len(drawn.data), drawn.layout.xaxis.type) == (2, "log")
    rising = [one.model_copy(update={"losses": (4.0 + one.dim,)}) for one in _sizes(4)]
    assert len(plot(rising).data) == 1
    assert "no law" in plot(rising).layout.title.text


def test_advice_is_written(tmp_path: Path) -> None:
    """Document and plot lie in the folder, the advised size a star with its interval."""
    found = write_advice(_sizes(4), 1000.0, tmp_path)
    assert json.loads((tmp_path / "advice.json").read_text())["reason"] == found.reason
    assert not found.choice.measured
    assert '"symbol":"star"' in (tmp_path / "advice.html").read_text()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_sweeps_have_four_sizes(path: Path) -> None:
    """Every shipped recipe is valid, judges by loss, and has a size to predict from three smaller ones."""
    learning = read_of_kind(path, SizeSweepRecipe).learning
    assert learning.training.stop_by == "loss"
    assert len({learning.config(size).num_parameters for size in learning.sizes}) >= 4


def test_advice_is_reported_as_a_run_is(plan_file: Path, tmp_path: Path) -> None:
    """A line a size, ever nearer to the end, and the reason as the last one, which is the advice's."""
    sizes = [[1, 4, 1], [1, 8, 1], [1, 12, 1]]
    recipe, heard = (
        read_of_kind(plan_file, SizeSweepRecipe, [f"learning.sizes={sizes}", "learning.fractions=[]", "seconds=1000.0"]),
        list[Progress](),
    )
    found = carry_out(recipe, tmp_path / "advice", heard.append)
    assert found.advice is not None
    assert len(heard) == 1 + 3 + 1
    assert [said.fraction for said in heard] == sorted(said.fraction for said in heard)
    assert (heard[-1].message, heard[-1].outcome) == (found.verdict, "succeeded")
    assert json.loads((tmp_path / "advice" / "advice.json").read_text())["reason"] == found.verdict
    assert SizeSweepResult.model_validate_json((tmp_path / "advice" / "result.json").read_bytes()) == found


def test_broken_recipes_are_refused(tmp_path: Path) -> None:
    """No file, another kind, and heads that do not divide are said."""
    with pytest.raises(ConfigError, match="readable file"):
        read_of_kind(tmp_path / "none.toml", SizeSweepRecipe)
    (tmp_path / "bad.toml").write_text('kind = "ladder"\n[data]\npath = "x"\n[learning]\nsizes = [[1, 8, 3]]\n')
    with pytest.raises(ConfigError, match="`num_heads` must divide"):
        read_of_kind(tmp_path / "bad.toml", SizeSweepRecipe)
    (tmp_path / "other.toml").write_text('kind = "transformer"\n[data]\npath = "x"\n')
    for settings, law in (
        ("sizes = [[1, 8, 1], [1, 8, 2]]", "must differ in layers or dim"),
        ("tasks = true\n[learning.transformer]\nhide_history = false", "`tasks` rank the items"),
    ):
        (tmp_path / "bad.toml").write_text(f'kind = "ladder"\n[data]\npath = "x"\n[learning]\n{settings}\n')
        with pytest.raises(ConfigError, match=law):
            read_of_kind(tmp_path / "bad.toml", SizeSweepRecipe)
    (tmp_path / "bad.toml").write_text('kind = "ladder"\nseconds = 9.0\n[data]\npath = "x"\n[learning]\nsizes = [[1, 16, 1], [4, 8, 1]]\n')
    with pytest.raises(ConfigError, match="three sizes with different 12 L d"):
        read_of_kind(tmp_path / "bad.toml", SizeSweepRecipe)
    with pytest.raises(ConfigError, match="is of the kind 'transformer'"):
        read_of_kind(tmp_path / "other.toml", SizeSweepRecipe)
