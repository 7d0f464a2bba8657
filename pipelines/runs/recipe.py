"""From a recipe file and the settings given beside it to a `Recipe`."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ihas.config.data import DataConfig
from ihas.config.overrec import OverRecRecipe
from ihas.config.recipe import Recipe
from ihas.config.size_sweep import SizeSweepRecipe, TransferRecipe
from ihas.config.transformer import TransformerRecipe
from ihas.errors import ConfigError

AnyRecipe = Recipe | OverRecRecipe | TransformerRecipe | SizeSweepRecipe | TransferRecipe
KINDS: Mapping[str, type[AnyRecipe]] = {
    "grouped": Recipe, "overrec": OverRecRecipe, "transformer": TransformerRecipe, "ladder": SizeSweepRecipe, "transfer": TransferRecipe
}  # fmt: skip
"""What a recipe is read as, by its `kind`; one that names none is of the kind `grouped`."""
AnyKind = TypeVar("AnyKind", Recipe, OverRecRecipe, TransformerRecipe, SizeSweepRecipe, TransferRecipe)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe of the kind `grouped`; see `read_any_recipe`.

    Raises:
        ConfigError: also for a recipe of another kind.
    """
    recipe = read_any_recipe(path, overrides)
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"A recipe of the kind 'grouped' is needed here, but {path} is of the kind {recipe.kind!r}. Run it by `run`.")
    return recipe


def read_of_kind(path: Path, kind: type[AnyKind], overrides: Sequence[str] = ()) -> AnyKind:
    """Read a recipe of one kind; see `read_any_recipe`.

    Raises:
        ConfigError: also for a recipe of another kind.
    """
    recipe = read_any_recipe(path, overrides)
    if not isinstance(recipe, kind):
        name = next(name for name, of_name in KINDS.items() if of_name is kind)
        raise ConfigError(
            f"A recipe of the kind {name!r} is needed here, but {path} is of another. Write `kind = {name!r}`, or `search` it."
        )
    return recipe


def read_any_recipe(path: Path, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe; a relative data path starts at the recipe's folder, `$NAME` in it is the environment's.

    Args:
        path: TOML file, or JSON by its suffix.
        overrides: `a.b.c=value` each, value in TOML or plain text; they win over the file.

    Raises:
        ConfigError: no such file, not TOML or JSON, or a setting breaks a law.
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
    document.setdefault("name", path.stem.lower().replace("_", "-").replace(".", "-"))
    kind = document.pop("kind", "grouped")
    if kind not in KINDS:
        raise ConfigError(f"The kind of a recipe must be one of {', '.join(KINDS)}, but {path} has {kind!r}. Change `kind`.")
    recipe_type: type[Any] = KINDS[kind]
    recipe: AnyRecipe = _located(_validated(document, str(path), recipe_type), path.resolve().parent)
    return recipe


def validated(document: dict[str, Any], source: str) -> Recipe:
    """A recipe of the kind `grouped` from its document; ConfigError names every setting that is wrong."""
    return _validated(document, source, Recipe)


def located(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with absolute data paths, relative ones being taken from `folder`."""
    return _located(recipe, folder)


def _validated(document: dict[str, Any], source: str, kind: type[AnyKind]) -> AnyKind:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{source} is no valid recipe. {_told(error)}") from error


def _told(error: ValidationError) -> str:
    """Every setting that is wrong, in one line."""
    return "; ".join(f"`{'.'.join(map(str, part['loc']))}`: {part['msg']}" for part in error.errors())


def _located(recipe: AnyKind, folder: Path) -> AnyKind:
    update = {"data": _beside(recipe.data, folder)}
    if isinstance(recipe, TransferRecipe) and recipe.other is not None:
        update["other"] = _beside(recipe.other, folder)
    return recipe.model_copy(update=update)


def _beside(data: DataConfig, folder: Path) -> DataConfig:
    paths = {name: getattr(data, name) for name in ("path", "valid_path", "test_path")}
    return data.model_copy(update={name: folder / os.path.expandvars(path) for name, path in paths.items() if path is not None})


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


def request_settings(path: Path, others: Sequence[str]) -> dict[str, Any]:
    """A recipe's settings as a request to a service names them: `learning` under its kind, and those of the others that it has."""
    document = read_document(path)
    kind = document.get("kind", "grouped")
    settings = (
        {}
        if kind == "grouped" and "learning" not in document
        else {"learning" if kind == "grouped" else str(kind): document.get("learning", {})}
    )
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


def read_data(path: Path, columns: Path | None = None, delimiter: str | None = None) -> DataConfig:
    """Where a table is and what is known about it.

    Args:
        path: the table.
        columns: TOML or JSON file with the settings of `SchemaConfig`.
        delimiter: character between CSV cells.

    Raises:
        ConfigError: no such file, or a setting breaks a law.
    """
    try:
        known = {} if columns is None else _loads(columns.read_text(encoding="utf-8"), columns)
        return DataConfig.model_validate({"path": path.resolve(), "columns": known, "delimiter": delimiter})
    except OSError as error:
        raise ConfigError(f"The columns must be told by a readable file, but {columns} is not ({error.strerror}).") from error
    except ValidationError as error:
        raise ConfigError(f"{columns or path} cannot be used. {_told(error)}") from error
    except ValueError as error:
        raise ConfigError(f"{columns or path} cannot be used: {error}") from error
