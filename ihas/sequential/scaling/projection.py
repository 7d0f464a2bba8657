"""Variable projection: least squares where all but a few exponents are linear.

    min over exponents, coefficients of |y - o(exponents) - X(exponents) coefficients|^2

For given exponents the coefficients are those of linear least squares, so only the exponents are searched: first on a grid, then
from its valleys by Gauss-Newton steps. Source: Golub and Pereyra 1973.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter
from scipy.optimize import least_squares

MAX_STARTS = 12
Design = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From exponents, float (k,), to the part without coefficients o, float (points,), and the matrix X, float (points, coefficients)."""


@dataclass(frozen=True)
class Projected:
    """A fit.

    Attributes:
        exponents: float64 (k,).
        coefficients: float64 (coefficients,).
        squares: residual sum of squares.
    """

    exponents: np.ndarray
    coefficients: np.ndarray
    squares: float


def project(design: Design, values: np.ndarray, grids: tuple[np.ndarray, ...]) -> Projected:
    """Fit, with each exponent between the ends of its grid.

    Args:
        design: what is left to linear least squares under given exponents.
        values: float (points,). What is fitted.
        grids: ascending trial values of each exponent.
    """
    points = np.array(list(itertools.product(*grids)))
    squares = np.array([_solve(design, values, point).squares for point in points]).reshape([len(grid) for grid in grids])
    valleys = np.flatnonzero((squares <= minimum_filter(squares, size=3)).ravel())  # a narrow one must not be crowded out by a wide one
    starts = valleys[np.argsort(squares.ravel()[valleys])][:MAX_STARTS]
    ends = np.array([[grid[0], grid[-1]] for grid in grids]).T
    refined = [_refine(design, values, points[i], ends) for i in starts]
    return min(refined, key=lambda fit: fit.squares)


def _solve(design: Design, values: np.ndarray, exponents: np.ndarray) -> Projected:
    offset, matrix = design(exponents)
    scale = np.linalg.norm(matrix, axis=0)  # columns of very different size would hide each other
    scale = np.where(scale > 0.0, scale, 1.0)
    coefficients = np.linalg.lstsq(matrix / scale, values - offset, rcond=None)[0] / scale
    residual = values - offset - matrix @ coefficients
    return Projected(exponents, coefficients, float(residual @ residual))


def _refine(design: Design, values: np.ndarray, start: np.ndarray, ends: np.ndarray) -> Projected:
    size = np.abs(values).max() or 1.0  # so that tolerances mean the same for rates of .05 and losses of 9

    def residual(exponents: np.ndarray) -> np.ndarray:
        offset, matrix = design(exponents)
        return np.asarray((values - offset - matrix @ _solve(design, values, exponents).coefficients) / size)

    found = least_squares(residual, np.clip(start, *ends), bounds=ends, xtol=1e-12, ftol=1e-14, gtol=1e-14, max_nfev=100)
    return _solve(design, values, found.x)
