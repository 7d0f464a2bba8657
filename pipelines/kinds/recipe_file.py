"""Reads recipes: a file of settings, of any kind, and the settings that win over it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ihas.config.data import DataConfig
from ihas.config.recipe import Recipe
from ihas.errors import ConfigError
from ihas.extensions.suggest import did_you_mean
from ihas_pipelines.kinds.model_kind import AnyRecipe
from ihas_pipelines.kinds.registry import DEFAULT, kind_named, kind_of_recipe, kinds
from ihas_pipelines.runs.faults import faults

Model = TypeVar("Model", bound=BaseModel)
OfKind = TypeVar("OfKind")
NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe of the kind `grouped`; see `read_any_recipe`.

    Raises:
        ConfigError: also for a recipe of another kind.
    """
    return read_of_kind(path, Recipe, overrides)


def read_of_kind(path: Path, recipe_type: type[OfKind], overrides: Sequence[str] = ()) -> OfKind:
    """Read a recipe of one kind; see `read_any_recipe`.

    Raises:
        ConfigError: also for a recipe of another kind.
    """
    recipe = read_any_recipe(path, overrides)
    if not isinstance(recipe, recipe_type):
        wanted = next(kind.name for kind in kinds() if kind.recipe is recipe_type)
        found = kind_of_recipe(recipe).name
        raise ConfigError(f"The recipe must be of the kind {wanted!r}, but {path} is of the kind {found!r}. Run it by `ihas search`.")
    return recipe


def read_any_recipe(path: Path, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe of any kind; a relative path starts at the recipe's folder, `$NAME` in it is the environment's; `columns` may be one.

    Args:
        path: TOML file, or JSON by its suffix.
        overrides: `a.b.c=value` each, value in TOML or plain text; they win over the file.

    Raises:
        ConfigError: no such file, not TOML or JSON, an unknown kind, or a setting is invalid.
    """
    try:
        document = _loads(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise ConfigError(f"The recipe must be a readable file, but {path} is not ({error.strerror}). Name another one.") from error
    except ValueError as error:
        raise ConfigError(f"The recipe must be TOML or JSON, but {path} is not: {error}.") from error
    if not isinstance(document, dict):
        raise ConfigError(f"A recipe must be groups of settings, but {path} holds {document!r}.")
    for override in overrides:
        assign(document, override)
    _read_columns(document, path.resolve().parent)
    document.setdefault("name", path.stem.lower().replace("_", "-").replace(".", "-"))
    stated = str(document.pop("kind", DEFAULT))
    kind = kind_named(stated)
    if kind.recipe is None:
        raise ConfigError(f"{path} is of the kind {kind.name!r}, which no recipe makes. Use `{kind.made_by}`.")
    if "kind" in kind.recipe.model_fields:
        document["kind"] = stated  # an alias stays
    recipe: AnyRecipe = _located(_validated(document, str(path), kind.recipe), path.resolve().parent)
    return recipe


def _read_columns(document: dict[str, Any], folder: Path) -> None:
    """Put what a file says of the columns, as `ihas inspect --write` makes it, in the place of its name."""
    for group in document.values():
        if isinstance(group, dict) and isinstance(name := group.get("columns"), str):
            group["columns"] = read_document(folder / os.path.expandvars(name))


def validated(document: dict[str, Any], source: str) -> Recipe:
    """A recipe of the kind `grouped` from its document; ConfigError names every setting that is wrong."""
    return _validated(document, source, Recipe)


def located(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with absolute data paths, relative ones being taken from `folder`."""
    absolute: Recipe = _located(recipe, folder)
    return absolute


def _validated(document: dict[str, Any], source: str, recipe_type: type[Model]) -> Model:
    try:
        return recipe_type.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{source} is not a valid recipe. {faults(error)} `ihas settings --recipe` lists all settings.") from error


def _located(recipe: Model, folder: Path) -> Any:
    """The recipe with the paths of all its data absolute."""
    return recipe.model_copy(update={name: _beside(value, folder) for name, value in recipe if isinstance(value, DataConfig)})


def _beside(data: DataConfig, folder: Path) -> DataConfig:
    paths = {name: getattr(data, name) for name in ("path", "valid_path", "test_path")}
    update: dict[str, Any] = {name: folder / os.path.expandvars(path) for name, path in paths.items() if path is not None}
    update["appended"] = tuple(folder / os.path.expandvars(path) for path in data.appended)
    update["joined"] = tuple(one.model_copy(update={"path": folder / os.path.expandvars(one.path)}) for one in data.joined)
    return data.model_copy(update=update)


def read_document(path: Path) -> dict[str, Any]:
    """A file of settings, JSON or TOML whatever its suffix.

    Raises:
        ConfigError: it cannot be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        with suppress(ValueError):
            found: dict[str, Any] = json.loads(text)
            return found
        return tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} must be a TOML or JSON file, but: {error}.") from error


def request_settings(path: Path | None, others: Sequence[str], overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A recipe's settings as a request to a service names them: `learning` under its kind, and those of `others` that it has.

    Args:
        path: of the recipe; None for one that states nothing.
        others: names of groups of settings, or of settings, besides `learning`.
        overrides: `a.b.c=value` each; they win over the file.

    Raises:
        ConfigError: the recipe cannot be read, or an override is of no group that a request has.
    """
    document = {} if path is None else read_document(path)
    for override in overrides:
        group = override.partition("=")[0].partition(".")[0]
        if group not in (known := ("kind", "learning", *others)):
            law = f"A request to a service has the settings {', '.join(known)}, but got {override!r}."
            raise ConfigError(f"{law}{did_you_mean(group, known)} The data set is the service's own.")
        assign(document, override)
    kind = kind_named(str(document.get("kind", DEFAULT)))
    stated = kind.name != DEFAULT or "learning" in document
    settings = {kind.settings_group: document.get("learning", {})} if stated else {}
    return settings | {name: document[name] for name in others if name in document}


def _loads(text: str, path: Path) -> Any:
    return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)


def assign(document: dict[str, Any], override: str) -> None:
    """Put `a.b.c=value`, value in TOML or plain text, into nested settings; ConfigError where it has another form."""
    name, equals, text = override.partition("=")
    if not equals or not all(name.split(".")):
        raise ConfigError(f"A setting must read `a.b=value`, but got {override!r}. Write for example `learning.seed=1`.")
    *groups, last = name.split(".")
    for group in groups:
        document = document.setdefault(group, {})
        if not isinstance(document, dict):
            raise ConfigError(f"`{name}` must lie in groups of settings, but `{group}` is a value in the recipe.")
    document[last] = _value(text)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def read_data(path: Path | str, columns: Path | None = None, reading: Mapping[str, Any] = NOTHING, query: str | None = None) -> DataConfig:
    """A table and the known facts about its columns.

    Args:
        path: the table, or the URL of a database.
        columns: TOML or JSON file with the settings of `SchemaConfig`.
        reading: how cells are written: `delimiter`, `quoting`, `escape`, `names`, `decimal`, `thousands` of `DataConfig`.
        query: of the database.

    Raises:
        ConfigError: no such file, a setting is invalid, or a URL without a query, or a query without a URL.
    """
    is_url = isinstance(path, str) and "://" in path
    if is_url != (query is not None):
        raise ConfigError("A query needs the URL of a database, and such a URL a query, but only one of them is given. Add the other.")
    table = {"sql": {"url": path, "query": query}} if is_url else {"path": Path(path).resolve()}
    source = columns or ("the query" if is_url else path)
    try:
        known = {} if columns is None else _loads(columns.read_text(encoding="utf-8"), columns)
        return DataConfig.model_validate({**table, "columns": known, **reading})
    except OSError as error:
        raise ConfigError(f"The columns must be described by a readable file, but {columns} is not ({error.strerror}).") from error
    except ValidationError as error:
        raise ConfigError(f"{source} cannot be used. {faults(error)}") from error
    except ValueError as error:
        raise ConfigError(f"{source} must be TOML or JSON, but is not: {error}.") from error
