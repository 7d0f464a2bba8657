"""What a finished run of the kind `grouped` left, ready to be carried on with newer rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import ValidationError

from ihas.config.recipe import Recipe
from ihas.data.storage import Ingested, load_ingested
from ihas.errors import ConfigError
from ihas.results.frontier import find_point, slug, unknown_point
from ihas.results.run_result import RunResult
from ihas.routing.grouping import Grouping
from ihas.stages.evaluate.variants import Variant
from ihas.stages.search import SearchResult
from ihas_pipelines.runs.folder import STAGES_FILE, value_digest
from ihas_pipelines.runs.values import read_value

Form = TypeVar("Form", Recipe, RunResult)
AGAIN = "Search again; a refresh needs what the run's stages left."


@dataclass(frozen=True)
class Predecessor:
    """A finished run.

    Attributes:
        recipe: what was asked for.
        result: what came of it.
        data: rows, columns and encoder.
        served: the variant to carry on.
        base: the plain model.
        found: the search.
        grouping: the groups.
        identity: digest of everything above.
        refit: the variant after it was trained once more, which is what the run serves; None where it was not.
    """

    recipe: Recipe
    result: RunResult
    data: Ingested
    served: Variant
    base: Variant
    found: SearchResult
    grouping: Grouping
    identity: str
    refit: Variant | None = None

    @property
    def own_groups(self) -> bool:
        """Whether the model routes rows to groups."""
        return len(self.served.models) > 1


def read_predecessor(folder: Path, point: str | None = None) -> Predecessor:
    """Read a run folder.

    Args:
        folder: of a run that succeeded.
        point: name of the variant to carry on: the chosen one, or a point of the frontier; None for the chosen one.

    Raises:
        ConfigError: the run is not finished, of another kind, of an earlier version, or its stages were removed; or no such point.
    """
    recipe, result = recipe_of_run(folder), _document(folder / "result.json", RunResult)
    if result.tasks:
        told = ", ".join(f"`{task.name}`" for task in result.tasks)
        raise ConfigError(f"A refresh learns one label, but {folder.name} is of several, {told}. Search again on the newer table.")
    name = _variant_name(result, point)
    places = _places(folder)
    names = {"data": "data", "served": f"variant-{name}", "found": "search", "grouping": "cluster", "base": "variant-base"}
    stages = {role: _stage(folder, stage, places) for role, stage in names.items()}
    values = {role: read_value(path) for role, path in stages.items() if role != "data"}
    refit = None if result.refit is None else _refit(_stage(folder, "refit", places), name)
    more = [] if refit is None else [places["refit"]]
    identity = value_digest([name, sorted([*(path.name for path in stages.values()), *more])])
    return Predecessor(recipe, result, load_ingested(stages["data"] / "encoded"), **values, identity=identity, refit=refit)


def _refit(stage: Path, name: str) -> Variant | None:
    """What a stage `refit` holds of the variant; None where another one was trained once more."""
    served: Variant = read_value(stage)[0]
    return served if served.name == name else None


def recipe_of_run(folder: Path) -> Recipe:
    """The recipe of a run folder; ConfigError where there is none, or one of another kind."""
    return _document(folder / "recipe.json", Recipe)


def _variant_name(result: RunResult, point: str | None) -> str:
    if point is None or slug(point) == slug(result.chosen):
        return result.chosen
    found = find_point(result.frontier, point)
    if found is None:
        raise ConfigError(unknown_point(result.frontier, point))
    return found.name


def _document(path: Path, form: type[Form]) -> Form:
    if not path.is_file():
        raise ConfigError(f"A finished run has a {path.name}, but {path.parent} has none. Name the folder of a search that succeeded.")
    try:
        return form.model_validate_json(path.read_bytes())
    except ValidationError as error:
        told = error.errors(include_url=False)[0]["msg"]
        raise ConfigError(
            f"Runs of the kind 'grouped' can be refreshed, but {path} is of another one or of an earlier version: {told}"
        ) from error


def _places(folder: Path) -> dict[str, str]:
    path = folder / STAGES_FILE
    return dict(orjson.loads(path.read_bytes())) if path.is_file() else {}


def _stage(folder: Path, name: str, places: dict[str, str]) -> Path:
    """Folder of a stage: the one that the run names; in a run of an earlier version, the only one of its name."""
    pattern = re.compile(rf"{re.escape(re.sub('[^a-z0-9]+', '-', name))}-[0-9a-f]{{16}}")
    found = [path for path in folder.glob("stages/*") if pattern.fullmatch(path.name)]
    named = [path for path in found if path.name == places.get(name)] if name in places else found
    if len(named) == 1:
        return named[0]
    what = "was removed" if not found else f"occurs {len(found)} times, because the folder holds several runs"
    raise ConfigError(f"{folder.name}: the stage `{name}` {what}. {AGAIN}")
