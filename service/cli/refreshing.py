"""What `ihas refresh` asks its child for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ihas.config.refresh import RefreshConfig
from ihas.errors import ConfigError
from ihas_pipelines.kinds.recipe_file import assign, read_recipe
from ihas_pipelines.runs.faults import faults
from ihas_pipelines.runs.refresh_request import RefreshRequest


def refresh_request(run_folder: Path, data: Path, point: str | None, overrides: Sequence[str]) -> RefreshRequest:
    """The request for a table that is written as the run's was.

    Args:
        run_folder: of a finished run.
        data: the newer table.
        point: of the run's frontier; None for what it chose.
        overrides: `name=value` each, settings of the refresh.

    Raises:
        ConfigError: no such run folder, or an invalid setting.
    """
    recipe = run_folder / "recipe.json"
    if not recipe.is_file():
        raise ConfigError(f"A run folder has a recipe.json, but {run_folder} has none. Name the folder of a search that succeeded.")
    newer = read_recipe(recipe).data.model_copy(update={"path": data.resolve(), "valid_path": None, "test_path": None})
    return RefreshRequest(source=run_folder.resolve(), data=newer, settings=_settings(overrides), point=point)


def _settings(overrides: Sequence[str]) -> RefreshConfig:
    stated: dict[str, Any] = {}
    for override in overrides:
        assign(stated, override)
    try:
        return RefreshConfig.model_validate(stated)
    except ValidationError as error:
        raise ConfigError(f"The settings of the refresh cannot be used. {faults(error)}") from error
