"""What an older version stored is opened by this one, which answers the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ihas.config import Recipe
from ihas.results import RunResult
from ihas.serving.loading import load_recommender
from pipelines.recipe import read_any_recipe
from pipelines.run import run_recipe
from tests.stored import FIXTURES, ask, assert_alike, read

OLD = FIXTURES / "v0_1_0"
RECIPES = {
    "linear": "Recipe", "hidden": "Recipe", "small": "Recipe", "overrec": "OverRecRecipe", "transformer": "TransformerRecipe",
    "ladder": "LadderRecipe", "transfer": "TransferRecipe",
}  # fmt: skip
"""Name of a stored recipe, and what it is read as today."""
AFTER_THE_GROUPS = ("retrain", "variant")
"""Stages that a run which was killed while it trained the groups' models has not finished."""
FIGURES = ("rows", "fields", "roles", "dim", "chosen", "groups", "diversity", "group_counts", "grouped_on", "variants")


@pytest.mark.parametrize("kind", sorted(path.stem for path in (OLD / "answers").glob("*.json")))
def test_a_bundle_answers_as_it_did(kind: str) -> None:
    """Scores, groups, items in their order, explanations: as the version answered that wrote the bundle."""
    recommender = load_recommender(OLD / "bundles" / kind)
    for number, question in enumerate(read(OLD / "answers" / f"{kind}.json")):
        assert_alike(ask(recommender, question), question["answer"], place=str(number))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_read_as_it_was(name: str) -> None:
    """Every setting of the stored document has its value, and the recipe is of the kind that it was."""
    recipe = read_any_recipe(OLD / "recipes" / f"{name}.toml")
    stored = read(OLD / "recipes" / f"{name}.json")

    assert type(recipe).__name__ == RECIPES[name]
    assert recipe.data.path.is_file()
    assert_alike(recipe.model_dump(mode="json", exclude={"data": {"path"}, "other": {"path"}}), stored, 0.0)


def small_recipe() -> Recipe:
    """The recipe of the stored run."""
    recipe = read_any_recipe(OLD / "recipes" / "small.toml")
    assert isinstance(recipe, Recipe)
    return recipe


def stages(folder: Path) -> dict[str, dict[str, bytes]]:
    """Every file of every stage, by the stage's folder, whose name is the stage's name and key."""
    found = sorted((folder / "stages").iterdir())
    return {one.name: {str(file.relative_to(one)): file.read_bytes() for file in sorted(one.rglob("*")) if file.is_file()} for one in found}


def test_a_finished_run_is_read_whole(tmp_path: Path) -> None:
    """Every stage has the key that it had and is read, none is computed, and the result is the one that was written."""
    folder = shutil.copytree(OLD / "run", tmp_path / "run")
    before = stages(folder)
    result = run_recipe(small_recipe(), folder, lambda _: None)

    assert stages(folder) == before
    assert_alike(result.model_dump(mode="json"), read(OLD / "run" / "result.json"))


def test_a_run_that_was_broken_off_is_resumed(tmp_path: Path) -> None:
    """What is finished is read, what is not is computed under the same keys, and the figures are those of the undisturbed run."""
    folder = shutil.copytree(OLD / "run", tmp_path / "run")
    (folder / "result.json").unlink()
    undisturbed = stages(folder)
    for stage in undisturbed:
        if stage.startswith(AFTER_THE_GROUPS):
            shutil.rmtree(folder / "stages" / stage)
    before = stages(folder)
    run_recipe(small_recipe(), folder, lambda _: None)
    after = stages(folder)

    assert {name.rsplit("-", 1)[0] for name in before} == {"data", "base", "distil", "search", "cluster"}
    assert after.keys() == undisturbed.keys()
    assert {name: after[name] for name in before} == before
    result = RunResult.model_validate_json((folder / "result.json").read_bytes()).model_dump(mode="json")
    stored = read(OLD / "run" / "result.json")
    assert_alike({name: result[name] for name in FIGURES}, {name: stored[name] for name in FIGURES}, 1e-3)
