"""Recipes: where their data are, and what is no recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.errors import ConfigError
from ihas_pipelines.kinds.recipe_file import read_recipe, request_settings
from tests.paths import ROOT

RECIPES = ROOT / "pipelines" / "recipes"


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_relative_path_starts_at_the_recipes_folder_and_knows_the_environment(tmp_path, monkeypatch):
    """`data.csv` lies beside the recipe; `$CLICKS/test.csv` where the environment says."""
    monkeypatch.setenv("CLICKS", "/somewhere")
    recipe = read_recipe(_write(tmp_path, "shop.toml", '[data]\npath = "data.csv"\ntest_path = "$CLICKS/test.csv"\n'))

    assert recipe.data.path == tmp_path / "data.csv"
    assert recipe.data.test_path == Path("/somewhere/test.csv")
    assert recipe.name == "shop"


def test_json_and_toml_say_the_same(tmp_path):
    """The suffix tells the form; the settings are one class."""
    toml = read_recipe(_write(tmp_path, "a.toml", 'name = "a"\n[data]\npath = "d.csv"\n[learning]\nseed = 3\n'))
    json = read_recipe(_write(tmp_path, "a.json", '{"name": "a", "data": {"path": "d.csv"}, "learning": {"seed": 3}}'))

    assert toml == json


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "[]", "groups of settings"),
        ("a.toml", "x = ", "TOML or JSON"),
        ("a.toml", '[data]\npath = "d.csv"\n[learning.cluster]\nthresholds = []\n', r"learning\.cluster\.thresholds"),
        ("a.toml", '[data]\npath = "d.csv"\n[learning.training]\nlearning_rate = inf\n', r"learning\.training\.learning_rate"),
        ("a.toml", '[data]\npath = "d.csv"\n[learning.training]\nlerning_rate = 1\n', "lerning_rate"),
    ],
)
def test_what_is_no_recipe_is_told_with_the_place(tmp_path, name, text, words):
    """Wrong forms, empty lists, infinite numbers and misspelt settings each name the culprit."""
    with pytest.raises(ConfigError, match=words):
        read_recipe(_write(tmp_path, name, text))


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_of_the_repository_can_be_read(path, monkeypatch):
    """Each is a recipe and bears the name of its file."""
    monkeypatch.setenv("IHAS_DATA", "/data")
    assert read_recipe(path).name == path.stem


def test_settings_win_over_the_recipe_in_a_request(tmp_path: Path) -> None:
    """With a recipe and without one; a setting that a request has not is refused, the nearest named."""
    path = tmp_path / "x.toml"
    path.write_text("[learning]\nseed = 1\n[learning.training]\nepochs = 2\n[data]\npath = 'x'\n", encoding="utf-8")
    asked = request_settings(path, ("run",), ["learning.seed=7", "run.threads=2"])
    assert asked == {"learning": {"seed": 7, "training": {"epochs": 2}}, "run": {"threads": 2}}
    assert request_settings(None, ("run",)) == {}
    assert request_settings(None, ("run",), ["learning.seed=7"]) == {"learning": {"seed": 7}}
    assert request_settings(None, (), ["kind=overrec", "learning.width=3"]) == {"overrec": {"width": 3}}
    with pytest.raises(ConfigError, match="Did you mean `learning`"):
        request_settings(None, ("run",), ["learnin.seed=7"])
