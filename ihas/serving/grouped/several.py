"""Answers of a bundle with several labels: a probability of each, and the score that rows are ranked by.

    score = prod_k p_k^w_k,   p_k the probability of label k, w_k its `exponent`

Source: our choice (decision 103); of two labels it is the order of click rate times conversion rate to a power, as in online advertising.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from ihas.bundle.values import Bundle
from ihas.serving.ranking import probabilities

Scores = Sequence[dict[str, float] | msgspec.UnsetType]
_NO_CHANCE_LEFT = -1e-300
"""Logarithm of a probability that is 1 to the last bit."""


def joint_log_odds(log_odds: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Log-odds of the product of probabilities to their exponents: float (labels, rows), (labels,) -> float (rows,).

    Where the first exponent is 1 and the others are 0, the first label's, to the bit.
    """
    if exponents[0] == 1.0 and not exponents[1:].any():
        return np.asarray(log_odds[0])
    log_score = np.minimum(-(exponents @ np.logaddexp(0.0, -log_odds.astype(np.float64))), _NO_CHANCE_LEFT)
    return np.asarray(log_score - np.log(-np.expm1(log_score)))


@dataclass(frozen=True)
class Answered:
    """What rows are answered with.

    Attributes:
        log_odds: float (rows,). Of the score.
        scores: probability of each label, by its name; unset where there is one label.
    """

    log_odds: np.ndarray
    scores: Scores


class Labels:
    """The labels of a bundle, from the logits of its models to answers."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle, stated = bundle, bundle.schema.exponents
        self._names, self._exponents = tuple(stated), np.array(list(stated.values()), np.float64)

    def ranks(self, logits: np.ndarray, tasks: Sequence[np.ndarray]) -> np.ndarray:
        """What rows are ordered by: float (rows,); logits of the first label and of the others, float (rows,) each."""
        return logits if not tasks else joint_log_odds(self._answered(logits, tasks), self._exponents)

    def answer(self, logits: np.ndarray, tasks: Sequence[np.ndarray]) -> Answered:
        """Answers of rows; arguments as in `ranks`."""
        if not tasks:
            return Answered(self._bundle.answered(logits), [msgspec.UNSET] * len(logits))
        answered = self._answered(logits, tasks)
        scores = [dict(zip(self._names, row, strict=True)) for row in probabilities(answered).T.tolist()]
        return Answered(joint_log_odds(answered, self._exponents), scores)

    def _answered(self, logits: np.ndarray, tasks: Sequence[np.ndarray]) -> np.ndarray:
        """Log-odds of every label: float64 (labels, rows)."""
        others = [task.answered(own) for task, own in zip(self._bundle.tasks, tasks, strict=True)]
        return np.stack([self._bundle.answered(logits), *others]).astype(np.float64)
