"""Advice from ladders whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.errors import ConfigError
from ihas.sequential.scaling.advice import advise, best_ranking
from ihas.sequential.scaling.advised import Measured
from ihas.sequential.scaling.performance_law import PerformanceLaw
from ihas.sequential.scaling.scaling_law import ScalingLaw

LAW = ScalingLaw(3.0, 1e4, 0.5)
SHAPES = ((2, 8), (2, 16), (2, 32), (2, 64))


def _ladder(law: ScalingLaw | None = LAW, noise: float = 0.001, seeds: int = 3) -> list[Measured]:
    """Losses by a law, or equal ones rising a little; a training takes 10 s and 1 ms a parameter."""
    rng, found = np.random.default_rng(0), []
    for place, (layers, dim) in enumerate(SHAPES):
        parameters = 12 * layers * dim**2
        mean = 5.0 + 0.1 * place if law is None else float(law.predict(parameters))
        found.append(
            Measured(
                num_layers=layers, dim=dim, losses=tuple(mean + noise * rng.normal(size=seeds)), seconds=10.0 + 1e-3 * parameters
            )  # fmt: skip
        )
    return found


def test_advises_the_largest_that_fits() -> None:
    """1,000 s allow 990,000 parameters: 4 x 128 with 786,432 and not 8 x 128; its loss lies in the interval predicted."""
    advice = advise(_ladder(), [(4, 128), (8, 128)], 1000.0, np.random.default_rng(0))
    choice = advice.choice
    assert (choice.num_layers, choice.dim, choice.measured) == (4, 128, False)
    assert choice.seconds == pytest.approx(10.0 + 786.432, rel=1e-6)
    assert choice.loss is not None
    assert choice.loss.low - 0.01 < float(LAW.predict(786_432)) < choice.loss.high + 0.01
    assert advice.exponent is not None
    assert advice.exponent.low - 0.05 < 0.5 < advice.exponent.high + 0.05
    assert [(own.num_layers, own.dim) for own in advice.considered] == [*SHAPES, (4, 128)]


def test_a_small_budget_keeps_to_what_fits() -> None:
    """40 s allow 30,000 parameters: 2 x 32 is the best of the measured ones that fit."""
    choice = advise(_ladder(), [(4, 128)], 40.0, np.random.default_rng(0)).choice
    assert (choice.num_layers, choice.dim, choice.measured) == (2, 32, True)


def test_data_may_end_it() -> None:
    """Where losses rise with size no law is claimed: the best measured size is advised, and the reason says that the data end it."""
    advice = advise(_ladder(None), [(4, 128)], 1000.0, np.random.default_rng(0))
    assert (advice.choice.dim, advice.exponent) == (8, None)
    assert "data end it" in advice.reason


def test_one_seed_foretells_nothing() -> None:
    """Without a second seed there is no interval, and the reason says so, not that the data end it."""
    advice = advise(_ladder(seeds=1), [(4, 128)], 1000.0, np.random.default_rng(0))
    assert (advice.choice.dim, advice.exponent) == (64, None)
    assert "two seeds or more" in advice.reason


def test_a_logarithm_is_not_followed() -> None:
    """Losses that fall by the same amount with every size have no limit that could be told: the best measured size is advised."""
    straight = [one.model_copy(update={"losses": (5.0 - 0.1 * place,) * 3}) for place, one in enumerate(_ladder())]
    advice = advise(straight, [(4, 128)], 1000.0, np.random.default_rng(0))
    assert (advice.choice.dim, advice.choice.measured) == (64, True)
    assert "E cannot be told" in advice.reason


def test_sizes_far_beyond_the_ladder_are_not_considered() -> None:
    """Of 8 x 128 (sixteen times the largest measured) and 12 x 256 only the first; neither where seconds do not grow with size."""
    far = [(8, 128), (12, 256)]
    considered = advise(_ladder(), far, 1e9, np.random.default_rng(0)).considered
    assert [(own.num_layers, own.dim) for own in considered] == [*SHAPES, (8, 128)]
    flat = [one.model_copy(update={"seconds": 20.0 - place}) for place, one in enumerate(_ladder())]
    considered = advise(flat, far, 1e9, np.random.default_rng(0)).considered
    assert [(own.num_layers, own.dim) for own in considered] == [*SHAPES]


def test_noise_that_hides_the_gain_advises_no_larger_size() -> None:
    """Where the law has flattened and noise is large, a larger size is not surely better, and the best measured one is advised."""
    advice = advise(_ladder(ScalingLaw(3.0, 1.0, 0.5), noise=0.05), [(4, 128)], 1000.0, np.random.default_rng(0))
    assert advice.choice.measured


def test_refuses_what_tells_nothing() -> None:
    """Two sizes, sizes with other numbers of seeds, and a budget below the smallest size are refused."""
    with pytest.raises(ConfigError, match="three different sizes"):
        advise(_ladder()[:2], [], 100.0, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="same number of seeds"):
        advise([*_ladder()[:3], _ladder(seeds=2)[3]], [], 100.0, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="must fit the budget"):
        advise(_ladder(), [], 5.0, np.random.default_rng(0))


def test_the_best_of_ranking_is_named() -> None:
    """On NDCG@10 of a known performance law over a grid of layers and dims, its optimum of 16 layers of 32 is named, within the grid."""
    true = PerformanceLaw(0.1, 0.04, 0.25, 0.03, 0.2, (2.0, 32.0), (16.0, 128.0))
    ladder = [
        Measured(
            num_layers=layers, dim=dim, losses=(float(LAW.predict(12 * layers * dim**2)),), seconds=1.0,
            ndcg=float(true.predict(np.array(float(layers)), np.array(float(dim)))),
        )
        for layers in (2, 4, 8, 16, 32)
        for dim in (16, 32, 64, 128)
    ]  # fmt: skip
    advice = advise(ladder, [], 10.0, np.random.default_rng(0))
    assert advice.optimum is not None
    assert (advice.optimum.num_layers, advice.optimum.dim) == pytest.approx((16.0, 32.0), rel=1e-3)
    assert advice.optimum.inside
    assert "within the sizes" in advice.optimum_reason


def test_what_does_not_tell_the_best_of_ranking_says_why() -> None:
    """Sizes of one number of layers leave its exponent open, and figures that were not measured say nothing."""
    alike = [one.model_copy(update={"ndcg": 0.1}) for one in [*_ladder(), *_ladder()]]
    optimum, reason = best_ranking(alike)
    assert optimum is None
    assert "N must take three different" in reason
    assert best_ranking(_ladder()) == (None, "NDCG@10 was not measured.")


def test_where_nothing_trained_fits_the_reason_is_in_figures() -> None:
    """10.5 s allow no size that was trained: with a law or without, the sentence names no infinite loss."""
    for law in (LAW, None):
        advice = advise(_ladder(law), [(1, 4)], 10.5, np.random.default_rng(0))
        assert not advice.choice.measured
        assert "inf" not in advice.reason
