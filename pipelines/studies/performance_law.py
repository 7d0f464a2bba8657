"""The performance law against a power law and a log-quadratic, and joined over lengths, on grids of measured values.

    ihas study performance-law GRIDS.json [--parameters BUDGET]

The file holds `grids`, each with `data`, `length`, `figure`, `layers`, `dims` and `values`, a row a dim and a column a layer. Held out,
and predicted from the rest, are sizes above the fourth number of layers (the third of four) or the third dim. The joint law's D is the
length in units of the lengths' geometric mean.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.sequential.scaling.joint_law import compare_joint, relative_to_mean
from ihas.sequential.scaling.performance_law import Optimum, fit_performance_law
from ihas.sequential.scaling.rival_laws import compare_laws
from ihas_pipelines.runs.faults import faults

OF_GRID = ("R^2 performance", "power", "log-quadratic", "held-out error performance", "power", "log-quadratic", "N*, d*")
OF_METRIC = (
    "R^2 a law a length", "joint law", "one law without D", "s", "held-out error a law a length", "joint law",
    "error of lengths left out, joint law", "one law without D",
)  # fmt: skip


class Grid(Config):
    """One metric, measured at every pair of sizes."""

    data: str
    """Data set."""
    length: int
    """Items of the longest history."""
    figure: str
    """What was measured."""
    layers: tuple[float, ...]
    """Numbers of layers."""
    dims: tuple[float, ...]
    """Embedding sizes."""
    values: tuple[tuple[float, ...], ...]
    """Metrics, a row a dim and a column a number of layers."""
    explained: float | None = None
    """R^2 that another fit of the same law reached, where one is known."""

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """N, d and y of every cell, float64 (points,) of each, and which are held out, bool (points,)."""
        layers, dims = (sizes.ravel() for sizes in np.meshgrid(np.array(self.layers), np.array(self.dims)))
        held_out = (layers > self.layers[3 if len(self.layers) > 4 else 2]) | (dims > self.dims[2])
        return layers, dims, np.array(self.values).ravel(), held_out


class Grids(Config):
    """A file of grids."""

    source: str
    """Where they come from."""
    grids: tuple[Grid, ...]
    """The grids."""


def print_tables(path: Path, budget: float | None) -> None:
    """Print a row for each grid, then a row for each metric that is known at several lengths.

    Raises:
        ConfigError: the file cannot be read, or a setting in it is invalid.
    """
    grids = read_grids(path)
    within = () if budget is None else (f"N, d within {budget:,.0f} parameters",)
    _print_head(("grid", *OF_GRID, *within))
    for grid in grids:
        sys.stdout.write(row(grid, budget) + "\n")
    sys.stdout.write("\n")
    _print_head(("figure", *OF_METRIC))
    for name in dict.fromkeys((grid.figure, grid.data) for grid in grids):
        sys.stdout.write(joint_row([grid for grid in grids if (grid.figure, grid.data) == name]) + "\n")


def _print_head(names: Sequence[str]) -> None:
    sys.stdout.write(f"| {' | '.join(names)} |\n{'|---' * len(names)}|\n")


def read_grids(path: Path) -> tuple[Grid, ...]:
    """Grids from a file.

    Raises:
        ConfigError: it cannot be read, or is invalid.
    """
    try:
        return Grids.model_validate_json(path.read_bytes()).grids
    except OSError as error:
        raise ConfigError(f"The grids must be a readable file, but {path} is not ({error.strerror}). Name another one.") from error
    except ValidationError as error:
        raise ConfigError(f"{path} does not hold valid grids. {faults(error)}") from error


def row(grid: Grid, budget: float | None = None) -> str:
    """All laws on one grid, as a row of the table."""
    layers, dims, values, held_out = grid.points()
    figures = compare_laws(layers, dims, values, held_out)
    law = fit_performance_law(layers, dims, values)
    sizes = [law.optimum] if budget is None else [law.optimum, lambda: law.budgeted_optimum(budget)]
    cells = [*(f"{own.explained:.3f}" for own in figures), *(f"{own.held_out_error:.1%}" for own in figures), *map(_optimum, sizes)]
    return f"| {grid.figure} {grid.data} {grid.length} | {' | '.join(cells)} |"


def _optimum(find: Callable[[], Optimum]) -> str:
    try:
        best = find()
    except ConfigError:
        return "none"
    return f"{best.layers:.4g}, {best.dim:.4g}{'' if best.inside else ' (beyond the grid)'}"


def joint_row(grids: Sequence[Grid]) -> str:
    """The joint law of one metric at several lengths, as a row of the table; why there is none, where it cannot be told."""
    points = [(*grid.points(), np.full(np.size(grid.values), float(grid.length))) for grid in grids]
    layers, dims, values, held_out, lengths = (np.concatenate(columns) for columns in zip(*points, strict=True))
    name = f"{grids[0].figure} {grids[0].data} {', '.join(str(grid.length) for grid in grids)}"
    try:
        found = compare_joint(layers, dims, relative_to_mean(lengths), values, held_out)
    except ConfigError as error:
        return f"| {name} | {error} |{' |' * (len(OF_METRIC) - 1)}"
    cells = (found.explained_apart, found.explained, found.explained_without, found.data_exponent)
    errors = (found.held_out_apart, found.held_out_error, found.left_out_error, found.left_out_without)
    shown = (*(f"{cell:.3f}" for cell in cells), *("needs four lengths" if error is None else f"{error:.1%}" for error in errors))
    return f"| {name} | {' | '.join(shown)} |"
