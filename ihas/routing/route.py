"""Where rows go, and why: what every router answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Route:
    """Where rows go, and why. What a router does not compute has width 0.

    Attributes:
        group: int32 (rows,). The group.
        gates: bool (rows, N). Open gates z.
        distances: float32 (rows, num_groups). Euclidean distance of the row's point to each centroid.
        scores: int32 (rows, num_groups). Sums of an additive router, in grid units.
    """

    group: np.ndarray
    gates: np.ndarray
    distances: np.ndarray
    scores: np.ndarray


def without(rows: int, of: type[np.generic]) -> np.ndarray:
    """What a router does not compute of so many rows: (rows, 0)."""
    return np.zeros((rows, 0), of)
