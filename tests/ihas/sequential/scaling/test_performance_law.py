"""The performance law: its optimum, exact recovery, and the grids that its authors measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ihas.errors import ConfigError
from ihas.sequential.scaling.performance_law import PerformanceLaw, fit_performance_law, growth
from ihas.sequential.scaling.rival_laws import compare_laws, explained, fit_log_quadratic, fit_power_law

pytestmark = pytest.mark.full

GRIDS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "performance_law_grids.json").read_text())["grids"]
LAYERS, DIMS = (values.ravel() for values in np.meshgrid([2.0, 4.0, 8.0, 16.0, 32.0], [16.0, 32.0, 64.0, 128.0]))
TRUE = PerformanceLaw(0.1, 0.04, 0.25, 0.03, 0.2, (2.0, 32.0), (16.0, 128.0))
EXPONENT = st.floats(0.12, 1.5)


def _grid(grid: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    layers, dims = np.meshgrid(np.array(grid["layers"], float), np.array(grid["dims"], float))
    return layers.ravel(), dims.ravel(), np.array(grid["values"]).ravel()


@given(EXPONENT)
def test_growth_is_largest_at_its_optimum(exponent: float) -> None:
    """2^(1/a) is where a numeric search finds the largest g, to 1e-6."""
    found = minimize_scalar(lambda x: -float(growth(np.exp(x), exponent)), bounds=(0.0, 8.0), method="bounded", options={"xatol": 1e-10})
    assert np.exp(found.x) == pytest.approx(2.0 ** (1.0 / exponent), rel=1e-6)


def test_optimum_is_the_largest_value() -> None:
    """a = 1/4 and e = 1/5 give N* = 16 and d* = 32, and no point of a fine grid is better."""
    best = TRUE.optimum()
    assert (best.layers, best.dim, best.inside) == (pytest.approx(16.0), pytest.approx(32.0), True)
    layers, dims = np.meshgrid(np.linspace(1.0, 64.0, 127), np.linspace(8.0, 256.0, 125))
    values = TRUE.predict(layers, dims)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert (layers[row, column], dims[row, column]) == (16.0, 32.0)
    assert values.max() == pytest.approx(float(TRUE.predict(np.array(16.0), np.array(32.0))))


@given(st.floats(2.0, 7.0))
def test_budgeted_optimum_is_the_best_that_fits(log_parameters: float) -> None:
    """Within 12 N d^2 <= budget no size of a fine grid does better, and the edge is used where the optimum does not fit."""
    budget = 10.0**log_parameters
    best = TRUE.budgeted_optimum(budget)
    own = float(TRUE.predict(np.array(best.layers), np.array(best.dim)))
    layers, dims = np.meshgrid(np.geomspace(1.0, 300.0, 150), np.geomspace(1.0, 300.0, 150))
    fits = 12.0 * layers * dims**2 <= budget
    assert own >= TRUE.predict(layers[fits], dims[fits]).max() - 1e-9
    assert 12.0 * best.layers * best.dim**2 == pytest.approx(min(budget, 12.0 * 16.0 * 32.0**2))
    assert best.layers >= 1.0


@settings(max_examples=15)
@given(EXPONENT, EXPONENT, st.floats(0.01, 0.1), st.floats(0.01, 0.1))
def test_recovers_a_law_without_noise(a: float, e: float, of_layers: float, of_dim: float) -> None:
    """Values of a known law give back all five numbers to 1e-6."""
    true = PerformanceLaw(0.1, of_layers, a, of_dim, e, (2.0, 32.0), (16.0, 128.0))
    found = fit_performance_law(LAYERS, DIMS, true.predict(LAYERS, DIMS))
    assert (found.layers_exponent, found.dim_exponent) == pytest.approx((a, e), abs=1e-6)
    assert (found.constant, found.layers_weight, found.dim_weight) == pytest.approx((0.1, of_layers, of_dim), abs=1e-6)


def test_foretells_through_noise() -> None:
    """With noise of .001, held-out sizes are met within three deviations in nineteen of twenty draws."""
    held_out, met = (LAYERS == 8.0) & (DIMS > 16.0), 0
    for draw in range(20):
        noisy = TRUE.predict(LAYERS, DIMS) + np.random.default_rng(draw).normal(0.0, 0.001, len(LAYERS))
        found = fit_performance_law(LAYERS[~held_out], DIMS[~held_out], noisy[~held_out])
        met += bool((np.abs(found.predict(LAYERS[held_out], DIMS[held_out]) - noisy[held_out]) < 3.0 * np.sqrt(2.0) * 0.001).all())
    assert met >= 19


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: f"{grid['figure']}-{grid['data']}-{grid['length']}")
def test_refits_the_authors_grids(grid: dict[str, Any]) -> None:
    """R^2 of an independent refit is reached within .003 on every grid."""
    layers, dims, values = _grid(grid)
    law = fit_performance_law(layers, dims, values)
    assert explained(values, law.predict(layers, dims)) > grid["explained"] - 0.003


@pytest.mark.parametrize(
    ("layers", "dims", "law"),
    [
        (np.where(LAYERS > 4.0, 8.0, 4.0), DIMS, "N must take three"),
        (LAYERS, DIMS - 16.0, "d must take three different positive"),
        (LAYERS[:5], DIMS[:5], "needs 6 points or more"),
    ],
)
def test_refuses_what_cannot_be_told(layers: np.ndarray, dims: np.ndarray, law: str) -> None:
    """Too few points, too few sizes or a size of zero are refused."""
    with pytest.raises(ConfigError, match=law):
        fit_performance_law(layers, dims, np.arange(len(layers), dtype=float))


def test_a_law_that_only_rises_has_no_optimum() -> None:
    """Negative weights have no maximum, and no budgeted one."""
    law = PerformanceLaw(0.1, -0.04, 0.25, 0.03, 0.2, (2.0, 32.0), (16.0, 128.0))
    for ask in (law.optimum, lambda: law.budgeted_optimum(1e6)):
        with pytest.raises(ConfigError, match="maximum only where A > 0"):
            ask()
    with pytest.raises(ConfigError, match="12 parameters"):
        TRUE.budgeted_optimum(11.0)


def test_an_optimum_beyond_the_data_says_so() -> None:
    """N* = 1,024 lies beyond the 32 layers that were measured."""
    assert not PerformanceLaw(0.1, 0.04, 0.1, 0.03, 0.2, (2.0, 32.0), (16.0, 128.0)).optimum().inside


def test_rivals_recover_their_own_laws() -> None:
    """A power law and a quadratic in logarithms are met exactly by their own fit, on sizes that were held out too."""
    largest = LAYERS == 32.0
    power = 0.4 - 0.2 * LAYERS**-0.7 - 0.5 * DIMS**-0.4
    logs = np.log(LAYERS), np.log(DIMS)
    quadratic = 0.1 + 0.05 * logs[0] - 0.01 * logs[0] ** 2 + 0.02 * logs[1] - 0.002 * logs[1] ** 2
    for fit, values in ((fit_power_law, power), (fit_log_quadratic, quadratic)):
        predict = fit(LAYERS[~largest], DIMS[~largest], values[~largest])
        np.testing.assert_allclose(predict(LAYERS[largest], DIMS[largest]), values[largest], atol=1e-6)


def test_comparison_prefers_the_law_that_is_true() -> None:
    """On values of a performance law it explains all and predicts exactly, and the others do not."""
    own, *rivals = compare_laws(LAYERS, DIMS, TRUE.predict(LAYERS, DIMS), LAYERS == 32.0)
    assert (own.law, own.explained) == ("performance", pytest.approx(1.0))
    assert own.held_out_error < 1e-6
    assert all(rival.held_out_error > 1e-4 for rival in rivals)
    with pytest.raises(ConfigError, match="held out"):
        compare_laws(LAYERS, DIMS, LAYERS, np.zeros(len(LAYERS), bool))


def test_explained_by_hand() -> None:
    """Half of the squares left is R^2 = 1/2."""
    assert explained(np.array([0.0, 2.0]), np.array([0.0, 1.0])) == 0.5
