"""`ihas.refresh` and `ihas.combine`: models made of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ihas.bundle.compound import write_compound
from ihas.config.refresh import RefreshConfig
from ihas.errors import ConfigError
from ihas.serving.loading import COLD_START
from ihas_pipelines.runs.faults import faults
from ihas_service.cli.refreshing import refresh_request
from ihas_service.python.carry_out import carry_on
from ihas_service.python.model import Model
from ihas_service.python.run_folder import model_of_run
from ihas_service.python.tables import data_file
from ihas_service.python.workspace import Workspace


def refresh(
    model: Model | str | Path,
    clicks: Any,
    *,
    point: str | None = None,
    folder: str | Path | None = None,
    progress: bool | None = None,
    **settings: Any,
) -> Model:
    """Carry a fitted model on with newer rows, without a search, as `ihas refresh` does.

    Args:
        model: what `ihas.fit` gave, or the folder of its run; a bundle alone has no stages to go on from.
        clicks: newer table with the columns of the first one: in any form that `ihas.fit` reads.
        point: point of the frontier to carry on; the chosen one without it.
        folder: run folder of the refresh, which stays; without it, a temporary one is removed with the model.
        progress: whether progress is shown; without it, on a terminal and in a notebook.
        settings: fields of `ihas.config.refresh.RefreshConfig`, such as `epochs`.

    Raises:
        ConfigError: the model is a bundle alone, or a setting is wrong.
        DataError: the table does not fit; its `findings` name rows and columns.
        TrainingError, BudgetError: as the run says.
        KeyboardInterrupt: after the run has stopped.
    """
    run = _run_of(model)

    def carry(place: Path, scratch: Path) -> None:
        stated = _settings(settings)
        carry_on(refresh_request(run, data_file(clicks, scratch), point, ()).model_copy(update={"settings": stated}), place, progress)

    return model_of_run(folder, carry)


def combine(model: Model, cold_start_model: Model, user_field: str = "user", name: str = "combined") -> Model:
    """Add a cold-start model to a trained model: histories answer for users whom the trained model does not know.

    Args:
        model: of `ihas.fit`.
        cold_start_model: of `ihas.fit_sequences` of the kind `overrec`.
        user_field: field of the trained model that names the user.
        name: model name.

    Raises:
        BundleError: the two do not fit together.
    """
    workspace = Workspace()
    try:
        parts = {"model": model.bundle, "front": cold_start_model.bundle}  # folder names of the bundle format
        write_compound(COLD_START, name, {"user_field": user_field}, parts, workspace.path / "bundle")
        return Model(workspace.path / "bundle", workspace=workspace)
    except BaseException:
        workspace.remove()
        raise


def _run_of(model: Model | str | Path) -> Path:
    """The run folder of a model."""
    run = model.run if isinstance(model, Model) else Path(model)
    if run is None or not (run / "stages").is_dir():
        way = "Fit with `folder=...`, and name that folder, or the model itself."
        raise ConfigError(f"A refresh carries the run of a model on, but of {model!r} there is none. {way}")
    return run


def _settings(stated: dict[str, Any]) -> RefreshConfig:
    try:
        return RefreshConfig.model_validate(stated)
    except ValidationError as error:
        raise ConfigError(f"The settings of the refresh cannot be used. {faults(error)}") from error
