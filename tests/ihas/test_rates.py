"""Shares and rates compared, against numbers that were published or worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.rates import difference_of_rates, stability, stability_by_chance


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339, as Newcombe (1998) gives for method 10."""
    assert difference_of_rates((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_interval_turns_with_the_rates() -> None:
    """What is before and what is after say the same with the other sign."""
    low, high = difference_of_rates((3, 40), (30, 90))

    assert difference_of_rates((30, 90), (3, 40)) == pytest.approx((-high, -low))


def test_the_index_by_chance_is_a_quantile_of_chi_square() -> None:
    """Ten bins: 21.666 is the 0.99 quantile of chi-square with nine degrees of freedom; 1 / 1,000 + 1 / 500 = 0.003."""
    assert stability_by_chance(10, 1_000, 500) == pytest.approx(0.003 * 21.666, rel=2e-3)
    assert stability_by_chance(1, 1_000, 500) == 0.0


def test_samples_of_one_distribution_stay_below_it_in_99_of_100_draws() -> None:
    """2,000 pairs of samples of eight equal bins: 20 or so lie above."""
    draw, above = np.random.default_rng(5), 0
    for _ in range(2_000):
        first, second = draw.multinomial(4_000, [1 / 8] * 8), draw.multinomial(500, [1 / 8] * 8)
        above += stability((second / 500).tolist(), (first / 4_000).tolist()) > stability_by_chance(8, 4_000, 500)

    assert 8 <= above <= 34
