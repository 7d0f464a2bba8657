"""The performance law against a power law and a log-quadratic, on grids of measured figures.

    python -m pipelines.performance_law GRIDS.json

The file holds `grids`, each with `data`, `length`, `figure`, `layers`, `dims` and `values`, a row a dim and a column a layer. Held out,
and foretold from the rest, are sizes above the fourth number of layers (the third of four) or the third dim.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from ihas.config import Config
from ihas.errors import ConfigError
from ihas.sequential.performance_law import fit_performance_law
from ihas.sequential.rival_laws import compare_laws


class Grid(Config):
    """One figure, measured at every pair of sizes."""

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
    """Figures, a row a dim and a column a number of layers."""
    explained: float | None = None
    """R^2 that another fit of the same law reached, where one is known."""


class Grids(Config):
    """A file of grids."""

    source: str
    """Where they come from."""
    grids: tuple[Grid, ...]
    """The grids."""


def main() -> None:
    """Print a row for each grid."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.performance_law", description=__doc__)
    parser.add_argument("grids", type=Path, help="JSON file")
    grids = Grids.model_validate_json(parser.parse_args().grids.read_bytes()).grids
    sys.stdout.write("| grid | R^2 performance | power | log-quadratic | held-out error performance | power | log-quadratic | N*, d* |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    for grid in grids:
        sys.stdout.write(row(grid) + "\n")


def row(grid: Grid) -> str:
    """All laws on one grid, as a row of the table."""
    layers, dims = (sizes.ravel() for sizes in np.meshgrid(np.array(grid.layers), np.array(grid.dims)))
    values = np.array(grid.values).ravel()
    held_out = (layers > grid.layers[3 if len(grid.layers) > 4 else 2]) | (dims > grid.dims[2])
    figures = compare_laws(layers, dims, values, held_out)
    try:
        best = fit_performance_law(layers, dims, values).optimum()
        optimum = f"{best.layers:.4g}, {best.dim:.4g}{'' if best.inside else ' (beyond the grid)'}"
    except ConfigError:
        optimum = "none"
    cells = [*(f"{own.explained:.3f}" for own in figures), *(f"{own.held_out_error:.1%}" for own in figures), optimum]
    return f"| {grid.figure} {grid.data} {grid.length} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
