"""Off-policy estimates: what another policy would have earned, from what was logged under the one that served.

With reward r, logged propensity p and the other policy's propensity q of the same action, w = q / p:

    IPS    = mean(w r)                                      Horvitz and Thompson 1952; unbiased where p > 0 wherever q > 0
    SNIPS  = sum(w r) / sum(w)                              Swaminathan and Joachims 2015; biased by O(1/n), of smaller variance
    DR     = mean(m_q + w (r - m))                          Dudik, Langford and Li 2011; unbiased if p is right or the model of rewards is

m is a model's reward of the logged action, m_q its mean reward under the other policy. Intervals are normal, from the variance of the terms
(of the linearised ratio for SNIPS), and hold at one look. Rewards are those of single positions: an item's clicks must depend on the item,
its position and the context, not on its neighbours.

Actions of one answer are drawn together, and their rewards depend on each other. Where it is said which answer each action belongs to,
the terms of an answer are summed up first: the mean, and its variance, are those of answers, and SNIPS is sum(w r) / sum(w) times the mean
number of actions of an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True, slots=True)
class Logged:
    """Logged actions.

    Attributes:
        rewards: float (n,).
        propensities: float (n,), in (0, 1]. Chance of the action under the policy that served.
        targets: float (n,), in [0, 1]. Chance of the same action under the other policy.
        answers: int (n,), number from 0 of the answer that each action belongs to; None where each action is an answer of its own.
    """

    rewards: np.ndarray
    propensities: np.ndarray
    targets: np.ndarray
    answers: np.ndarray | None = None

    def __post_init__(self) -> None:
        shapes = {self.rewards.shape, self.propensities.shape, self.targets.shape}
        if len(shapes) != 1 or self.rewards.ndim != 1 or not len(self.rewards):
            raise ValueError(f"Rewards, propensities and targets must have one equal length above 0, but have {sorted(shapes)}.")
        if not (np.all(self.propensities > 0.0) and np.all(self.propensities <= 1.0)):
            least, most = self.propensities.min(), self.propensities.max()
            raise ValueError(
                f"Propensities must be above 0 and at most 1, but lie between {least} and {most}. Explore with a share above 0."
            )

    @property
    def weights(self) -> np.ndarray:
        """w: float64 (n,)."""
        return np.asarray(self.targets / self.propensities, dtype=np.float64)

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sum of the values of the actions of each answer: float (n,) -> float64 (answers,)."""
        return np.asarray(values, np.float64) if self.answers is None else np.bincount(self.answers, weights=values)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated mean reward.

    Attributes:
        value: estimate.
        low: lower end of the interval.
        high: upper end.
        effective: effective number of actions, (sum w)^2 / sum w^2 (Kish 1965).
    """

    value: float
    low: float
    high: float
    effective: float


def observed(logged: Logged, confidence: float = 0.95) -> Estimate:
    """Mean reward of the policy that served, over the same answers."""
    earned = logged.summed(logged.rewards)
    return _of_terms(earned, np.ones(len(earned)), confidence)


def ips(logged: Logged, confidence: float = 0.95) -> Estimate:
    """Inverse propensity scoring."""
    return _of_terms(logged.summed(logged.weights * logged.rewards), logged.weights, confidence)


def snips(logged: Logged, confidence: float = 0.95) -> Estimate:
    """Self-normalised inverse propensity scoring; 0, from minus to plus infinity, where no action was one of the other policy's."""
    weights = logged.weights
    total = float(weights.sum())
    if total <= 0.0:
        return Estimate(0.0, -np.inf, np.inf, 0.0)
    rate = float((weights * logged.rewards).sum()) / total
    actions = logged.summed(np.ones(len(weights)))
    residuals = logged.summed(weights * (logged.rewards - rate)) * len(weights) / total + rate * actions
    return _around(rate * float(actions.mean()), residuals, weights, confidence)


def doubly_robust(logged: Logged, modelled: np.ndarray, modelled_target: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Doubly robust estimate.

    Args:
        modelled: float (n,). The model's reward of each logged action.
        modelled_target: float (n,). Its mean reward under the other policy in the same context, at the same position.
    """
    weights = logged.weights
    return _of_terms(logged.summed(modelled_target + weights * (logged.rewards - modelled)), weights, confidence)


def _of_terms(terms: np.ndarray, weights: np.ndarray, confidence: float) -> Estimate:
    return _around(float(terms.mean()), terms, weights, confidence)


def _around(value: float, terms: np.ndarray, weights: np.ndarray, confidence: float) -> Estimate:
    half = NormalDist().inv_cdf(0.5 + confidence / 2.0) * float(np.std(terms, ddof=1)) / len(terms) ** 0.5 if len(terms) > 1 else np.inf
    squares = float((weights**2).sum())
    return Estimate(value, value - half, value + half, float(weights.sum()) ** 2 / squares if squares else 0.0)
