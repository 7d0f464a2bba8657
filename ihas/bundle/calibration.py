"""From a model's logit to the log-odds that it is answered with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MAX_KNOTS = 100_000


@dataclass(frozen=True)
class Calibration:
    """A continuous function of the logit that never falls, so that it changes no order.

        log-odds of a click = linear interpolation of (logits, log_odds), constant below the first knot and above the last

    Attributes:
        logits: float64 (knots,), ascending.
        log_odds: float64 (knots,), never falling.
    """

    logits: np.ndarray
    log_odds: np.ndarray

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """float (rows,) -> float64 (rows,)."""
        return np.asarray(np.interp(logits, self.logits, self.log_odds))

    def without_sampling(self, kept: float) -> Calibration:
        """The same for rows of which a share `kept` of those without a click was learnt from, and all with one.

        With q the probability among such rows, that among all is p = q / (q + (1 - q) / kept): log-odds fall by -ln kept.
        Source: King and Zeng 2001, "Logistic Regression in Rare Events Data" (prior correction).
        """
        return self if kept == 1.0 else Calibration(self.logits, self.log_odds + np.log(kept))

    def problems(self) -> Iterator[str]:
        """Every law that is broken, in words."""
        knots = self.logits.shape
        if len(knots) != 1 or not 2 <= knots[0] <= MAX_KNOTS or self.log_odds.shape != knots:
            yield f"the calibration must have 2 to {MAX_KNOTS:,} knots, but has {knots} and {self.log_odds.shape}"
        elif self.logits.dtype != np.float64 or self.log_odds.dtype != np.float64:
            yield f"the knots of the calibration must be float64, but are {self.logits.dtype} and {self.log_odds.dtype}"
        elif not (np.isfinite(self.logits).all() and np.isfinite(self.log_odds).all()):
            yield "the knots of the calibration must be finite"
        elif (np.diff(self.logits) <= 0.0).any() or (np.diff(self.log_odds) < 0.0).any():
            yield "the knots of the calibration must ascend in the logit and never fall in the log-odds"
