"""What a folder holds of a race, under a digest of all that decides its metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ihas.config.recipe import Recipe
from ihas.errors import ConfigError, DataError
from ihas.folders import file_digest
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_pipelines.runs.folder import read_kept, value_digest
from ihas_pipelines.studies.overparameterisation.plan import RacePlan
from ihas_pipelines.studies.overparameterisation.table import Arm, RaceTable

PATHS = {"path", "valid_path", "test_path"}


def settings_digest(plan: RacePlan) -> str:
    """Digest of the data and of every setting but `learning_rates`, each of which decides one update rule's arms alone.

    Raises:
        ConfigError, DataError: the recipe of the clicks is invalid, or a file of data is not there.
    """
    recipe = None if plan.clicks is None else read_recipe(plan.clicks.recipe)
    shared = {
        "plan": plan.model_dump(mode="json", exclude={"name": True, "learning_rates": True, "ratings": {"path"}, "clicks": {"recipe"}}),
        "recipe": None if recipe is None else recipe.model_dump(mode="json", include={"learning": True, "data": _reading(recipe)}),
        "data": [_digest(path) for path in _files(plan, recipe)],
    }
    return value_digest(shared)


def kept_arms(path: Path, plan: RacePlan, settings: str) -> tuple[Arm, ...]:
    """Arms that were raced already; none where there is no file.

    Raises:
        ConfigError: they were raced on other data or under other settings, or the file has another version's form.
    """
    if not path.exists():
        return ()
    found = read_kept(path, RaceTable)
    starts = {str(rule): start for rule, start in plan.learning_rates.items()}
    other = sorted({arm.rule for arm in found.arms if arm.start != starts.get(arm.rule, arm.start)})
    if found.settings != settings or other:
        differing = f"{', '.join(other)} from another rate" if other else f"under digest {found.settings[:12]}, not {settings[:12]}"
        raise ConfigError(
            f"A race is gone on with on its own data and settings, but {path} was raced {differing}. "
            "Name another folder, or take the settings back."
        )
    return found.arms


def _reading(recipe: Recipe) -> set[str]:
    return set(type(recipe.data).model_fields) - PATHS - {"appended"}


def _files(plan: RacePlan, recipe: Recipe | None) -> Iterator[Path]:
    if plan.ratings is not None:
        yield plan.ratings.path
    if recipe is not None:
        yield from (path for name in sorted(PATHS) if (path := getattr(recipe.data, name)) is not None)
        yield from recipe.data.appended
        yield from (joined.path for joined in recipe.data.joined)


def _digest(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"A race needs its data, but there is no file at {path}. Name another one.")
    return file_digest(path)
