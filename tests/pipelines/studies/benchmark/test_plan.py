"""What a plan may say, and what each cell's recipe becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.errors import ConfigError
from ihas_pipelines.studies.baselines.registry import BASELINES
from ihas_pipelines.studies.benchmark.plan import read_plan
from tests.paths import ROOT

pytestmark = pytest.mark.tf

PLANS = ROOT / "pipelines" / "recipes" / "benchmark"
PLAN = """
name = "trial"
seeds = [3, 4]
recipes = ["$RECIPES/shop.toml"]
peers = ["pep"]
learning = { retrain = { epochs = 2 } }

[backbones.small]
backbone = { hidden = [4] }
training = { epochs = 5 }
unset = ["embedding_l2"]

[variants.clicks-only]
distil = { members = 0 }
"""
RECIPE = """
[data]
path = "clicks.csv"

[learning.backbone]
batch_norm = true

[learning.training]
embedding_l2 = 0.5
learning_rate = 0.25
epochs = 9
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, which the environment names."""
    (tmp_path / "shop.toml").write_text(RECIPE)
    monkeypatch.setenv("RECIPES", str(tmp_path))
    return tmp_path


def _write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text)
    return path


def test_a_cells_recipe_is_the_data_sets_with_all_overrides(folder: Path) -> None:
    """The recipe's settings stay where nothing overrides them; plan, backbone, variant and seed each change theirs."""
    recipe = read_plan(_write(folder, PLAN)).recipe("shop", "small", "clicks-only", 4)
    learning, training = recipe.learning, recipe.learning.training

    assert recipe.data.path == folder / "clicks.csv"
    assert (learning.seed, learning.retrain.epochs, learning.distil.members) == (4, 2, 0)
    assert (learning.backbone.hidden, learning.backbone.batch_norm) == ((4,), True)
    assert (training.epochs, training.learning_rate, training.embedding_l2) == (5, 0.25, None)


def test_the_default_variant_has_no_overrides(folder: Path) -> None:
    """Beside `clicks-only` there is the teacher of the defaults."""
    plan = read_plan(_write(folder, PLAN))

    assert plan.recipe("shop", "small", "default", 3).learning.distil.members > 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["pep"]', '["pip"]', f"{', '.join(BASELINES)}, but got 'pip'"),
        ("distil = { members", "training = { epochs", "distil, search, cluster, retrain, evaluate, but got 'training'"),
        ("members = 0", "member = 0", "members, .*but got 'member'"),
        ("hidden = [4]", "hiden = [4]", "hidden, .*but got 'hiden'"),
        ("members = 0", "members = -1", "`variants.clicks-only`: `distil` break a law"),
        ('unset = ["embedding_l2"]', 'unset = ["l2"]', "embedding_l2, .*but got 'l2'"),
        ("seeds = [3, 4]", "seeds = [3, 3]", "seeds of a benchmark must differ"),
        ("seeds = [3, 4]", "seeds = []", "`seeds`"),
        ("variants.clicks-only", "variants.pep", "variants and baseline methods of a benchmark must differ"),
        ("variants.clicks-only", "variants.default", "variants and baseline methods of a benchmark must differ"),
        ("$RECIPES/shop", "$RECIPES/shed", "must be a readable file"),
        ('name = "trial"', 'nam = "trial"', "`nam`"),
        ("seeds = [3, 4]", "seeds = ", "must be TOML"),
    ],
)
def test_what_is_no_plan_is_told_with_what_is_known(folder: Path, old: str, new: str, words: str) -> None:
    """Unknown baseline methods, groups and settings name the known ones; values that are invalid and equal names are refused."""
    with pytest.raises(ConfigError, match=words):
        read_plan(_write(folder, PLAN.replace(old, new)))


def test_a_plan_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        read_plan(tmp_path / "missing.toml")


def test_plans_of_the_repository_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every plan beside the recipes is one."""
    monkeypatch.setenv("IHAS_DATA", "/data")
    names = {path.stem for path in PLANS.glob("*.toml")}

    assert names >= {"coupon", "frappe-peers", "ihas", "ihas-400x3"}
    assert {read_plan(PLANS / f"{name}.toml").name for name in names} == names


@pytest.mark.parametrize(
    ("name", "backbone", "hidden", "l2"), [("ihas", "mlp-16-8", (16, 8), 1e-4), ("ihas-400x3", "mlp-400x3", (400, 400, 400), 1e-2)]
)
def test_the_large_plans_hold_every_baseline_and_the_papers_figure(
    name: str, backbone: str, hidden: tuple[int, ...], l2: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Joint search, K-means on e*z alone, fresh weights, clicks; under either size, with what its own recipe states."""
    monkeypatch.setenv("IHAS_DATA", "/data")
    plan = read_plan(PLANS / f"{name}.toml")
    learning = plan.recipe("movielens-1m" + name.removeprefix("ihas"), backbone, "figure-1", 0).learning

    assert set(plan.peers) == set(BASELINES)
    assert len(plan.seeds) == 5
    assert (learning.distil.members, learning.search.warm_start, learning.retrain.mode) == (0, False, "scratch")
    assert learning.cluster.on == ("masked",)
    assert (learning.backbone.hidden, learning.training.embedding_l2) == (hidden, l2)
