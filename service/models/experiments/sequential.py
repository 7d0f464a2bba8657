"""Difference of clicks per answer between two versions, with an interval and a p-value that hold at every look.

A mixture sequential probability ratio test with a normal mixture (Johari, Koomen, Pekelis and Walsh 2017, 2022: "Always valid inference"),
on the asymptotic normality of means (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024 state when that holds along a whole sequence):

    d = mean(arm) - mean(champion),  V = s_arm^2 / n_arm + s_champion^2 / n_champion
    likelihood ratio = sqrt(V / (V + t^2)) exp(t^2 d^2 / (2 V (V + t^2)))          p = min(1, 1 / likelihood ratio)
    half width       = sqrt(V (V + t^2) / t^2 * (2 ln(1 / alpha) + ln((V + t^2) / V)))

The chance that the interval of any look, however many there are, misses the true difference is at most alpha. `t` is the size of the
differences that are expected; it changes how soon a difference is found, not the guarantee. The unit is the answer: clicks within one
answer depend on each other, so its clicks are summed up first, and the variance is that of these sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

MIN_CLICKS = 20
"""Clicks that each version must be expected to have, at the rate of both together, before an interval is formed."""


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Answers of one version.

    Attributes:
        answers: how many it gave.
        clicks: on all of them.
        squares: sum over answers of the square of their clicks.
    """

    answers: int = 0
    clicks: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """Clicks per answer; 0 without answers."""
        return self.clicks / self.answers if self.answers else 0.0

    @property
    def variance(self) -> float:
        """Sample variance of the clicks of an answer; 0 of fewer than two."""
        if self.answers < 2:
            return 0.0
        return max(0.0, (self.squares - self.answers * self.mean**2) / (self.answers - 1))

    def plus(self, other: ArmSums) -> ArmSums:
        """Both together."""
        return ArmSums(self.answers + other.answers, self.clicks + other.clicks, self.squares + other.squares)


@dataclass(frozen=True, slots=True)
class Difference:
    """Arm minus champion.

    Attributes:
        difference: of clicks per answer.
        low: lower end of the interval; minus infinity while too few clicks are expected.
        high: upper end.
        p_value: always valid, of no difference.
    """

    difference: float
    low: float
    high: float
    p_value: float


def difference(arm: ArmSums, champion: ArmSums, alpha: float, scale: float) -> Difference:
    """The difference of two versions at this look.

    Args:
        arm: the other version.
        champion: the version that it is compared with.
        alpha: chance that the interval of any look misses the true difference, in (0, 1).
        scale: size of the differences that are expected, above 0, in clicks per answer.
    """
    found = arm.mean - champion.mean
    variance = variance_of_difference(arm, champion)
    if variance <= 0.0 or arm.plus(champion).mean * min(arm.answers, champion.answers) < MIN_CLICKS:
        return Difference(found, -math.inf, math.inf, 1.0)
    half = half_width(variance, alpha, scale)
    return Difference(found, found - half, found + half, p_value(found, variance, scale))


def variance_of_difference(arm: ArmSums, champion: ArmSums) -> float:
    """Variance of the difference of means: of each version's own variance or of that of both together, whichever is larger.

    A version without a single click has no variance of its own, and must not seem to be known exactly.
    """
    if not arm.answers or not champion.answers:
        return 0.0
    own = arm.variance / arm.answers + champion.variance / champion.answers
    return max(own, arm.plus(champion).variance * (1.0 / arm.answers + 1.0 / champion.answers))


def half_width(variance: float, alpha: float, scale: float) -> float:
    """Half the interval; see the module."""
    mixed = variance + scale**2
    return math.sqrt(variance * mixed / scale**2 * (2.0 * math.log(1.0 / alpha) + math.log(mixed / variance)))


def p_value(found: float, variance: float, scale: float) -> float:
    """Always-valid p-value of no difference, in (0, 1]; see the module."""
    mixed = variance + scale**2
    log_ratio = 0.5 * math.log(variance / mixed) + scale**2 * found**2 / (2.0 * variance * mixed)
    return min(1.0, math.exp(-log_ratio)) if log_ratio > 0.0 else 1.0


def mean_interval(sums: ArmSums, alpha: float, scale: float) -> Difference:
    """The mean of one series against 0, such as the margins of interleaved answers, with an interval that holds at every look."""
    variance = sums.variance / sums.answers if sums.answers else 0.0
    if variance <= 0.0 or sums.squares < MIN_CLICKS:
        return Difference(sums.mean, -math.inf, math.inf, 1.0)
    half = half_width(variance, alpha, scale)
    return Difference(sums.mean, sums.mean - half, sums.mean + half, p_value(sums.mean, variance, scale))


def power(effect: float, variance: float, answers: tuple[int, int], alpha: float, scale: float) -> float:
    """Least chance that a version which is better by `effect` is found better by the time of so many answers.

        Phi((effect - half width) / sqrt(V))

    The chance at that look alone: looks before it can only add to it.

    Args:
        variance: of the clicks of one answer.
        answers: of the arm and of the champion.
    """
    of_difference = variance * (1.0 / answers[0] + 1.0 / answers[1])
    return NormalDist().cdf((effect - half_width(of_difference, alpha, scale)) / math.sqrt(of_difference))


def answers_needed(effect: float, variance: float, alpha: float, scale: float, wanted: float = 0.8) -> int:
    """Answers of each of two versions after which `power` is at least `wanted`."""
    low, high = 1, 2
    while power(effect, variance, (high, high), alpha, scale) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, variance, (middle, middle), alpha, scale) >= wanted else (middle, high)
    return high


def share_of_alpha(alpha: float, arms: Sequence[object]) -> float:
    """Chance of an error that each arm may have so that all together have at most alpha (Bonferroni)."""
    return alpha / max(1, len(arms))
