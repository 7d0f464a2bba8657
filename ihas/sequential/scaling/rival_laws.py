"""Laws that the performance law must beat, and how well each predicts sizes that it has not seen.

    power           y = c - A N^-a - B d^-e
    log-quadratic   y = c + A1 ln N + A2 ln^2 N + B1 ln d + B2 ln^2 d

Source: our choice; both are at most as rich as the performance law or its like.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.sequential.scaling.performance_law import check_sizes, fit_performance_law
from ihas.sequential.scaling.projection import project

DECAYS = np.geomspace(0.001, 16.0, 41)
Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]


class LawMetrics(Config):
    """How well one law describes a grid."""

    law: str
    """`performance`, `power` or `log-quadratic`."""
    explained: float
    """R^2 on all sizes, fitted to all."""
    held_out_error: float
    """Mean of |predicted - measured| / |measured| on held-out sizes, fitted to the others."""


def fit_power_law(layers: np.ndarray, dim: np.ndarray, values: np.ndarray) -> Predict:
    """Fit the power law to float (points,) of each.

    Raises:
        ConfigError: as `fit_performance_law`.
    """
    check_sizes({"N": layers, "d": dim}, values, 6)

    def columns(own: np.ndarray, other: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(own)), own ** -exponents[0], other ** -exponents[1]])

    def design(exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(values)), columns(np.asarray(layers, float), np.asarray(dim, float), exponents)

    fit = project(design, np.asarray(values, np.float64), (DECAYS, DECAYS))
    return lambda own, other: np.asarray(columns(np.asarray(own, float), np.asarray(other, float), fit.exponents) @ fit.coefficients)


def fit_log_quadratic(layers: np.ndarray, dim: np.ndarray, values: np.ndarray) -> Predict:
    """Fit the quadratic in logarithms to float (points,) of each.

    Raises:
        ConfigError: as `fit_performance_law`.
    """
    check_sizes({"N": layers, "d": dim}, values, 6)

    def columns(own: np.ndarray, other: np.ndarray) -> np.ndarray:
        logs = np.log(own), np.log(other)
        return np.column_stack([np.ones(len(own)), *logs, *(log**2 for log in logs)])

    coefficients = np.linalg.lstsq(columns(layers, dim), values, rcond=None)[0]
    return lambda own, other: np.asarray(columns(own, other) @ coefficients)


LAWS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Predict]] = {
    "performance": lambda layers, dim, values: fit_performance_law(layers, dim, values).predict,
    "power": fit_power_law,
    "log-quadratic": fit_log_quadratic,
}


def compare_laws(layers: np.ndarray, dim: np.ndarray, values: np.ndarray, held_out: np.ndarray) -> tuple[LawMetrics, ...]:
    """Every law on the same grid, float (points,) of each; `held_out` bool (points,) are predicted and not fitted.

    Raises:
        ConfigError: as `fit_performance_law`, or no size is held out.
    """
    if not held_out.any():
        raise ConfigError("Some sizes must be held out, but none is. Hold out the largest.")
    rows = []
    for name, fit in LAWS.items():
        whole = fit(layers, dim, values)(layers, dim)
        predicted = fit(layers[~held_out], dim[~held_out], values[~held_out])(layers[held_out], dim[held_out])
        error = float(np.mean(np.abs(predicted - values[held_out]) / np.abs(values[held_out])))
        rows.append(LawMetrics(law=name, explained=explained(values, whole), held_out_error=error))
    return tuple(rows)


def explained(values: np.ndarray, predicted: np.ndarray) -> float:
    """R^2 = 1 - sum (y - predicted)^2 / sum (y - mean y)^2."""
    return 1.0 - float(((values - predicted) ** 2).sum() / ((values - values.mean()) ** 2).sum())
