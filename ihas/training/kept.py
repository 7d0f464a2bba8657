"""What a training keeps: the best of its epochs, or what it started from.

    clearly below   upper end of the paired 80 % interval of  AUC(best epoch) - AUC(start)  <  -WORSE

Source of the interval: DeLong et al. 1988, as in the choice (decision 8); `WORSE` is our choice: training on under
fixed masks regains a hundredth (decision 63).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from ihas.metrics import auc, auc_difference, row_losses
from ihas.training.averaging import State

Start = Literal["forgotten", "counts", "floor"]
"""What the weights that a training starts from are to it.

forgotten   nothing: they are fresh, or another training's of which nothing need be kept
counts      among those to keep: they are kept where no epoch is better
floor       kept where the best epoch is clearly below them, because what is trained is also to make the model smaller
"""
WORSE, CONFIDENCE = 1e-2, 0.8


class Kept:
    """The state to keep, while epochs are offered."""

    def __init__(self, start: Start, state: State, logits: np.ndarray | None, labels: np.ndarray) -> None:
        """
        Args:
            start: what the first state is.
            state: the first state, that of the start.
            logits: float32 (rows,). Its answers; None where it is forgotten.
            labels: float32 (rows,).
        """
        self._start, self._labels = (None if logits is None else (state, logits)), labels
        self._best = state
        self._best_score = validation_score(logits, labels) if start == "counts" and logits is not None else -np.inf
        self._best_epoch, self._below = -np.inf, False

    def offer(self, logits: np.ndarray, state: Callable[[], State]) -> bool:
        """An epoch's answers, float32 (rows,), and its state; whether it is better than all that counts so far."""
        score = validation_score(logits, self._labels)
        if score > self._best_epoch:
            self._best_epoch, self._below = score, self._clearly_below(logits)
        better = score > self._best_score
        if better:
            self._best, self._best_score = state(), score
        return better

    def is_below_start(self) -> bool:
        """Whether the best epoch is clearly below the start."""
        return self._below

    @property
    def state(self) -> State:
        """The state to keep."""
        return self._start[0] if self._start is not None and self._below else self._best

    def _clearly_below(self, logits: np.ndarray) -> bool:
        if self._start is None:
            return False
        start = self._start[1]
        if (auc(logits, self._labels) or 0.0) >= (auc(start, self._labels) or 0.0) - WORSE:
            return False
        return auc_difference(logits, start, self._labels, confidence=CONFIDENCE).high < -WORSE


def validation_score(logits: np.ndarray, labels: np.ndarray) -> float:
    """What early stopping maximises: AUC, or minus the log-loss where only one label occurs."""
    area = auc(logits, labels)
    return area if area is not None else -float(row_losses(logits, labels).mean())
