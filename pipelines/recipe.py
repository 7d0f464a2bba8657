"""From a recipe file and the settings given beside it to a `Recipe`."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ihas.config import DataConfig, Recipe
from ihas.errors import ConfigError


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
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
    return located(validated(document, str(path)), path.resolve().parent)


def validated(document: dict[str, Any], source: str) -> Recipe:
    """A recipe from its document; ConfigError names every setting that is wrong."""
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(f"`{'.'.join(map(str, part['loc']))}`: {part['msg']}" for part in error.errors())
        raise ConfigError(f"{source} is no valid recipe. {wrong}") from error


def located(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with absolute data paths, relative ones being taken from `folder`."""
    paths = {name: getattr(recipe.data, name) for name in ("path", "valid_path", "test_path")}
    moved = {name: folder / os.path.expandvars(path) for name, path in paths.items() if path is not None}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=moved)})


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
    except ValueError as error:
        raise ConfigError(f"{columns or path} cannot be used: {error}") from error
