"""Performance law: a ranking figure as a function of layers N and embedding size d, with an optimum of both.

    y = c + A g_a(N) + B g_e(d),   g_a(x) = ln x - x^a / (2 a);     N* = 2^(1/a),  d* = 2^(1/e)

g rises like a logarithm and falls like a power, so y has a maximum where A, B > 0.
Source: Shen et al. 2024 (arXiv 2412.00430), the released fit's form with both p fixed at 2, rewritten; variable projection is our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ihas.errors import ConfigError
from ihas.sequential.scaling.projection import Projected, project

EXPONENTS = np.geomspace(0.01, 4.0, 31)


@dataclass(frozen=True)
class Optimum:
    """Where the law is largest.

    Attributes:
        layers: N*, not rounded.
        dim: d*, not rounded.
        inside: whether both lie within the sizes that were fitted; otherwise the optimum is a guess beyond the data.
    """

    layers: float
    dim: float
    inside: bool


@dataclass(frozen=True)
class PerformanceLaw:
    """A fitted law.

    Attributes:
        constant: c.
        layers_weight, layers_exponent: A and a.
        dim_weight, dim_exponent: B and e.
        layers_range, dim_range: smallest and largest size that was fitted.
    """

    constant: float
    layers_weight: float
    layers_exponent: float
    dim_weight: float
    dim_exponent: float
    layers_range: tuple[float, float]
    dim_range: tuple[float, float]

    def predict(self, layers: np.ndarray, dim: np.ndarray) -> np.ndarray:
        """y at the given sizes, float (points,)."""
        of_layers = self.layers_weight * growth(layers, self.layers_exponent)
        return np.asarray(self.constant + of_layers + self.dim_weight * growth(dim, self.dim_exponent))

    def optimum(self) -> Optimum:
        """N* = 2^(1/a), d* = 2^(1/e).

        Raises:
            ConfigError: the law has no maximum.
        """
        self._check_maximum()
        layers, dim = 2.0 ** (1.0 / self.layers_exponent), 2.0 ** (1.0 / self.dim_exponent)
        return Optimum(layers, dim, self._inside(layers, dim))

    def budgeted_optimum(self, parameters: float) -> Optimum:
        """The best sizes with 12 N d^2 <= parameters and N >= 1: the optimum itself, or the best point on the budget's edge.

        Raises:
            ConfigError: the law has no maximum, or the budget is below that of one layer of one dimension, 12.
        """
        free = self.optimum()
        if parameters < 12.0:
            raise ConfigError(f"A budget must hold one layer of one dimension, 12 parameters, but got {parameters:g}. Raise it.")
        if 12.0 * free.layers * free.dim**2 <= parameters:
            return free

        def loss(log_dim: float) -> float:
            dim = np.exp(log_dim)
            return -float(self.predict(np.array(parameters / (12.0 * dim**2)), np.array(dim)))

        highest = np.log(parameters / 12.0) / 2.0
        grid = np.linspace(0.0, highest, 200)
        best = int(np.argmin([loss(point) for point in grid]))
        ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        dim = float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-12}).x))
        layers = parameters / (12.0 * dim**2)
        return Optimum(layers, dim, self._inside(layers, dim))

    def _check_maximum(self) -> None:
        if self.layers_weight <= 0.0 or self.dim_weight <= 0.0:
            raise ConfigError(
                f"The law has a maximum only where A > 0 and B > 0, but got ({self.layers_weight:g}, {self.dim_weight:g}): "
                "these metrics fall or rise throughout. Measure smaller and larger sizes."
            )

    def _inside(self, layers: float, dim: float) -> bool:
        ranges = ((layers, self.layers_range), (dim, self.dim_range))
        return all(low <= size <= high for size, (low, high) in ranges)


def growth(size: np.ndarray, exponent: float) -> np.ndarray:
    """g(x) = ln x - x^exponent / (2 exponent), largest at 2^(1/exponent)."""
    logs = np.log(np.asarray(size, np.float64))
    return np.asarray(logs - np.exp(exponent * logs) / (2.0 * exponent))


def fit_performance_law(layers: np.ndarray, dim: np.ndarray, values: np.ndarray) -> PerformanceLaw:
    """Fit c, A, a, B, e to float (points,) of each.

    Raises:
        ConfigError: fewer than three different N or d, or fewer than six points, so that the law cannot be told.
    """
    check_sizes({"N": layers, "d": dim}, values, 6)

    def design(exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(values)), columns(layers, dim, exponents)

    fit = project(design, np.asarray(values, np.float64), (EXPONENTS, EXPONENTS))
    return law_of(fit, layers, dim)


def columns(layers: np.ndarray, dim: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """What c, A and B are multiplied by under given exponents a and e: float (points, 3)."""
    return np.column_stack([np.ones(len(layers)), growth(layers, exponents[0]), growth(dim, exponents[1])])


def law_of(fit: Projected, layers: np.ndarray, dim: np.ndarray) -> PerformanceLaw:
    """The law that a fit of `columns` found."""
    constant, of_layers, of_dim = (float(value) for value in fit.coefficients)
    ranges = [(float(np.min(sizes)), float(np.max(sizes))) for sizes in (layers, dim)]
    return PerformanceLaw(constant, of_layers, float(fit.exponents[0]), of_dim, float(fit.exponents[1]), ranges[0], ranges[1])


def check_sizes(sizes: dict[str, np.ndarray], values: np.ndarray, least: int) -> None:
    """That a law can be told from these points.

    Raises:
        ConfigError: it cannot, with what is missing.
    """
    if any(len(column) != len(values) for column in sizes.values()) or len(values) < least:
        shapes = {name: len(column) for name, column in sizes.items()}
        raise ConfigError(f"A fit needs {least} points or more, the same number of sizes and values, but got {shapes} and {len(values)}.")
    for name, column in sizes.items():
        different = len(np.unique(column))
        if different < 3 or np.min(column) <= 0.0:
            raise ConfigError(
                f"{name} must take three different positive values or more, or its exponent cannot be told from the constant, "
                f"but takes {different} from {np.min(column):g} to {np.max(column):g}. Measure more of them, or fit without {name}."
            )
    if not np.isfinite(values).all():
        raise ConfigError("Values must be finite, but some are not. Leave those points out.")
