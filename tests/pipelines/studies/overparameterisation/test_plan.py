"""Plans of races: those that are shipped, and what is invalid."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.errors import ConfigError
from ihas_pipelines.studies.overparameterisation.plan import read_race_plan
from tests.paths import ROOT

pytestmark = pytest.mark.tf

RECIPES = ROOT / "pipelines" / "recipes" / "overparameterisation"
GOOD = 'target = 0.5\n[clicks]\nrecipe = "a.toml"\ntrain_rows = 5\nvalid_rows = 5\n[learning_rates]\nsgd = 1.0\n'


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_plans_race_five_rules_over_five_seeds(path: Path) -> None:
    """Every shipped plan is valid and races SGD, AdaGrad, Adadelta, RMSprop and Adam on all forms over five seeds."""
    plan = read_race_plan(path)
    assert set(plan.learning_rates) == {"sgd", "adagrad", "adadelta", "rmsprop", "adam"}
    assert (len(plan.seeds), plan.forms) == (5, ("scalar", "vector", "matrix"))


def test_paths_start_at_the_plan(tmp_path: Path) -> None:
    """A relative path is taken from the plan's folder."""
    (tmp_path / "plan.toml").write_text(GOOD)
    plan = read_race_plan(tmp_path / "plan.toml")
    assert plan.clicks is not None
    assert plan.clicks.recipe == tmp_path / "a.toml"


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("target = 0.5\n[learning_rates]\nsgd = 1.0\n", "exactly one of the tables"),
        ("seeds = [1, 100]\n" + GOOD, "a seed that is not raced"),
        (GOOD.replace("sgd", "newton"), "learning_rates.newton"),
        ("target = ", "must be TOML"),
    ],
)
def test_broken_plans_are_refused(tmp_path: Path, text: str, law: str) -> None:
    """The error says which law is broken."""
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(ConfigError, match=law):
        read_race_plan(tmp_path / "plan.toml")


def test_a_plan_that_is_not_there(tmp_path: Path) -> None:
    """A path without a file is said to have none."""
    with pytest.raises(ConfigError, match="must be a readable file"):
        read_race_plan(tmp_path / "none.toml")
