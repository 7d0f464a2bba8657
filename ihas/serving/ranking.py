"""From logits to probabilities and to the best k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_LOGIT = 30.0
"""Logits beyond this are cut before the sigmoid, so that every probability lies strictly between 0 and 1."""


def probabilities(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logit)): float (rows,) -> float64 (rows,), each in (0, 1)."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -MAX_LOGIT, MAX_LOGIT))))


def best(logits: np.ndarray, names: Sequence[str], k: int) -> np.ndarray:
    """Positions of the k largest logits, largest first; equal logits in the order of their names.

    Args:
        logits: float (rows,).
        names: name of each row.
        k: most positions to return, at least 1.

    Returns:
        int64 (min(k, rows),).
    """
    kept = np.arange(len(logits))
    if k < len(logits):
        kept = np.flatnonzero(logits >= np.partition(logits, -k)[-k])  # all rows that tie with the k-th
    ranked = sorted(zip((-logits[kept]).tolist(), [names[row] for row in kept], kept.tolist(), strict=True))
    return np.array([row for _, _, row in ranked[:k]], np.int64)
