"""Points of a finished run's frontier: their bundles in the run folder, and another one of them as a bundle of its own."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ihas.bundle.copies import copy_bundle
from ihas.errors import ConfigError
from ihas.results.frontier import NO_FRONTIER, find_point, slug, unknown_point
from ihas.results.run_result import FrontierPoint, RunResult

FRONTIER = "frontier"


def point_bundle(run_folder: Path, point: str) -> Path:
    """Where a run keeps the bundle of a point."""
    return run_folder / FRONTIER / slug(point)


def write_point(run_folder: Path, point: str, folder: Path) -> FrontierPoint:
    """Write the bundle of a point of a finished run's frontier, without training; files are shared with the run folder where the disk can.

    Args:
        run_folder: of a run that succeeded.
        point: its name.
        folder: takes the bundle; it must not exist yet.

    Raises:
        ConfigError: the run is not finished or has no frontier, or there is no such point.
        BundleError: the folder exists, or the point's bundle was removed.
    """
    points = _points(run_folder)
    if not points:
        raise ConfigError(f"{run_folder} {NO_FRONTIER}")
    found = find_point(points, point)
    if found is None:
        raise ConfigError(unknown_point(points, point))
    copy_bundle(point_bundle(run_folder, found.name), folder)
    return found


def _points(run_folder: Path) -> tuple[FrontierPoint, ...]:
    path = run_folder / "result.json"
    if not path.is_file():
        raise ConfigError(f"A finished run has a result.json, but {run_folder} has none. Run `ihas search` on it first.")
    try:
        return RunResult.model_validate_json(path.read_bytes()).frontier
    except ValidationError:
        return ()
