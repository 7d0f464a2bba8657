"""`ihas init` writes a recipe that `ihas search` takes."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from ihas.config.recipe import Recipe
from ihas_pipelines.kinds.recipe_file import read_any_recipe, read_recipe
from ihas_service.cli.commands import init as command
from ihas_service.cli.main import run
from tests.service.cli.printed import only_line

pytestmark = pytest.mark.full


@pytest.fixture
def clicks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table whose path has a space and a quote; the current folder is its own."""
    folder = tmp_path / 'a "table"'
    folder.mkdir()
    rows = [f"u{row % 7},i{row % 5},{row},{row % 3 % 2}" for row in range(60)]
    (folder / "Clicks 2.csv").write_text("\n".join(["user,item,at,click", *rows, ""]), encoding="utf-8")
    monkeypatch.chdir(folder)
    return Path("Clicks 2.csv")


def test_options_state_the_columns(clicks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The recipe is read, its table found from its own folder; what was inferred stands in comments."""
    target = tmp_path / "recipes" / "My shop.toml"
    assert run(["init", str(clicks), "--item-id", "item", "--time", "at", "--to", str(target)]) == 0
    recipe = read_recipe(target)
    assert recipe.name == "my-shop"
    assert recipe.data.path.resolve() == clicks.resolve()
    assert (recipe.data.columns.label, recipe.data.columns.item_id, recipe.data.columns.time) == ("click", "item", "at")
    assert "#   user: categorical context" in target.read_text(encoding="utf-8")
    assert str(target) in capsys.readouterr().out.replace("\n", "")


def test_a_recipe_is_not_written_over(clicks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless it is asked for; the name is the table's by default."""
    assert run(["init", str(clicks)]) == 0
    capsys.readouterr()
    assert run(["init", str(clicks)]) == 2
    assert "--force" in only_line(capsys.readouterr().err)
    assert run(["init", str(clicks), "--force", "--label", "click"]) == 0
    assert read_recipe(Path("Clicks 2.toml")).name == "clicks-2"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--label", "none"], 2, "columns of the table"),
        (["--label", "user"], 4, "table without errors"),
        (["--kind", "overrec", "--item-id", "item"], 2, "--user-id, --time"),
    ],
)
def test_what_cannot_be_a_recipe_is_told(
    options: Sequence[str], code: int, words: str, clicks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written then."""
    assert run(["init", str(clicks), *options]) == code
    assert words in only_line(capsys.readouterr().err)
    assert not Path("Clicks 2.toml").exists()


@pytest.mark.parametrize("kind", ["overrec", "transformer"])
def test_a_table_of_interactions_gets_a_recipe_of_its_kind(kind: str, clicks: Path) -> None:
    """With the columns of user, item and time."""
    assert run(["init", str(clicks), "--kind", kind, "--user-id", "user", "--item-id", "item", "--time", "at"]) == 0
    recipe: Any = read_any_recipe(Path("Clicks 2.toml"))
    assert not isinstance(recipe, Recipe)
    assert recipe.data.interactions.model_dump(exclude_unset=True) == {"user": "user", "item": "item", "time": "at"}


def test_a_person_is_asked_for_what_is_not_stated(clicks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is a column, nothing leaves it out, and what an option states is not asked."""
    asked: list[str] = []
    answers = {"Column of the item's id": "item", "Column of the user's id": " "}

    def answer(question: str, **_: Any) -> str:
        asked.append(question)
        return answers[question]

    monkeypatch.setattr(typer, "prompt", answer)
    stated = command._asked(command.Stated(command.RecipeKind.GROUPED, label="click", time="at"))
    assert asked == list(answers)
    assert stated.columns() == {"label": "click", "item_id": "item", "time": "at"}
    text = command.recipe_text(clicks, Path("x.toml"), command.Stated(command.RecipeKind.OVERREC, None, None, "i", "u", "t"), None)
    assert tomllib.loads(text)["kind"] == "overrec"
