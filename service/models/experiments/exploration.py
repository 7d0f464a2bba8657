"""Exploration: a share of requests is answered in random order, so that what another ranking would have earned can be estimated.

With probability `share` the first `pool` items of the ranking are drawn in a uniformly random order, and the first k of them are shown;
else the ranking itself is. Then an item i of the first `pool` stands at rank r with the propensity

    P(i at r) = (1 - share) [ranking has i at r] + share / pool

Every item of the pool may stand at every rank, so estimates by these propensities are unbiased for every ranking of the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Shown:
    """A list that was shown.

    Attributes:
        items: best first.
        explored: whether the order was drawn.
        propensities: chance that the item stood at its rank, drawn or not; 1 where nothing is explored.
    """

    items: tuple[str, ...]
    explored: bool
    propensities: tuple[float, ...]


def explore(ranking: Sequence[str], k: int, share: float, generator: np.random.Generator, pool: int = 100) -> Shown:
    """The list to show of a ranking.

    Args:
        ranking: item ids, best first.
        k: most items to show.
        share: of requests that are explored, in [0, 1].
        pool: items from the first on that may be shown at any rank; at least k.
        generator: draws.
    """
    drawn_from = list(ranking[: max(k, pool)])
    if share <= 0.0 or not drawn_from:
        return Shown(tuple(drawn_from[:k]), False, (1.0,) * len(drawn_from[:k]))
    explored = bool(generator.random() < share)
    order = generator.permutation(len(drawn_from)) if explored else np.arange(len(drawn_from))
    shown = order[:k]
    propensities = (1.0 - share) * (shown == np.arange(len(shown))) + share / len(drawn_from)
    return Shown(tuple(drawn_from[place] for place in shown), explored, tuple(map(float, propensities)))


def target_propensities(shown: Sequence[str], ranking: Sequence[str]) -> np.ndarray:
    """Chance that another, fixed ranking has each shown item at its rank: float64 (items,), 0 or 1."""
    return np.array([float(place < len(ranking) and ranking[place] == item) for place, item in enumerate(shown)])
