"""Shares and rates compared: stability of a distribution, and intervals of rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_SHARE = 1e-4
Z_95, Z_99 = 1.959964, 2.326348
"""Quantiles of the normal distribution: 0.975, for 95 % intervals, and 0.99."""


def stability(found: Sequence[float], expected: Sequence[float]) -> float:
    """Population stability index: sum (p - q) ln(p / q), shares at least `MIN_SHARE`."""
    pairs = [(max(p, MIN_SHARE), max(q, MIN_SHARE)) for p, q in zip(found, expected, strict=True)]
    return sum((p - q) * math.log(p / q) for p, q in pairs)


def stability_by_chance(bins: int, first: int, second: int) -> float:
    """Index that 99 of 100 pairs of samples of one distribution stay below.

        (1 / first + 1 / second) chi2_.99(bins - 1)             (Yurdakul 2018, Statistical properties of the population stability index)

    The quantile of chi-square is that of Wilson and Hilferty (1931): k (1 - 2 / 9k + z_.99 sqrt(2 / 9k))^3.

    Args:
        bins: that are not empty in both samples.
        first: size of the one sample.
        second: size of the other.
    """
    if bins < 2:
        return 0.0
    degrees = bins - 1
    part = 2.0 / (9.0 * degrees)
    return float((1.0 / first + 1.0 / second) * degrees * (1.0 - part + Z_99 * math.sqrt(part)) ** 3)


def wilson(clicks: int, impressions: int, z: float = Z_95) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927): (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    rate, spread = clicks / impressions, z * z / impressions
    middle = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / impressions + spread / (4 * impressions))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def difference_of_rates(after: tuple[int, int], before: tuple[int, int]) -> tuple[float, float]:
    """95 % interval of the difference of two independent rates, after less before (Newcombe 1998, method 10).

        d - sqrt((p - l)^2 + (u' - p')^2) to d + sqrt((u - p)^2 + (p' - l')^2)          l, u: Wilson's interval; ': before

    Args:
        after: clicks, and rows, at least one.
        before: the same.
    """
    rate, other = after[0] / after[1], before[0] / before[1]
    (low, high), (other_low, other_high) = wilson(*after), wilson(*before)
    difference = rate - other
    return difference - math.hypot(rate - low, other_high - other), difference + math.hypot(high - rate, other - other_low)
