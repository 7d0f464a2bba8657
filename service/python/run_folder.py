"""A run in a folder that stays, or in a temporary one that goes with its model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ihas_service.python.model import Model, load
from ihas_service.python.workspace import Workspace


def model_of_run(folder: str | Path | None, carry: Callable[[Path, Path], None]) -> Model:
    """The model of a run; without a folder of its own, in a temporary one that goes with the model, or with an error.

    Args:
        folder: of the run, which stays; or None.
        carry: carries the run out in the first folder; the second one takes what is needed for that alone.
    """
    workspace = Workspace()
    try:
        place = workspace.path / "run" if folder is None else Path(folder)
        carry(place, workspace.path)
        if folder is None:
            return Model(place / "bundle", place, workspace)
        found = load(place)
    except BaseException:
        workspace.remove()
        raise
    workspace.remove()
    return found
