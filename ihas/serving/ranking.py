"""From logits to probabilities and to the best k."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MAX_LOGIT = 30.0
"""Logits beyond this are cut before the sigmoid, so that every probability lies strictly between 0 and 1."""


def probabilities(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logit)): float (rows,) -> float64 (rows,), each in (0, 1)."""
    cut = np.minimum(np.maximum(logits.astype(np.float64), -MAX_LOGIT), MAX_LOGIT)  # np.clip takes three times as long for one row
    return np.asarray(1.0 / (1.0 + np.exp(-cut)))


def best(logits: np.ndarray, name_of: Callable[[int], str], k: int) -> np.ndarray:
    """Positions of the k largest logits, largest first; equal logits in the order of their names.

    Args:
        logits: float (rows,).
        name_of: row number to its name.
        k: most positions to return, at least 1.

    Returns:
        int64 (min(k, rows),).
    """
    least = np.partition(logits, -k)[-k] if k < len(logits) else -np.inf
    kept = np.flatnonzero(logits >= least)  # with every row that ties with the k-th
    rows = kept.tolist()
    ranked = sorted(zip((-logits[kept]).tolist(), map(name_of, rows), rows, strict=True))
    return np.array([row for _, _, row in ranked[:k]], np.int64)


def expected(scores: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Numbers that scores, float (rows,) from 0 to 1, stand for: low + (high - low) * score, float64 (rows,)."""
    low, high = bounds
    return np.asarray(low + (high - low) * scores.astype(np.float64))
