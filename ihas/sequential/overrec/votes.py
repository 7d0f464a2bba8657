"""From neighbours to a score for every item."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ihas.sequential.overrec.neighbours import Neighbours


def votes(neighbours: Neighbours, num_items: int, form: Literal["sum", "assign"]) -> np.ndarray:
    """Score of each item: float64 (queries, num_items).

        sum:    score_i = sum of the kernel values of the neighbours whose target is i
        assign: score_i = the largest of them

    Items without a neighbour have 0. Source: OverRec's released code assigns in an order that argpartition happens to give, so that
    a later neighbour overwrites an earlier one; letting the nearest win is our choice, and so is the sum.
    """
    queries = len(neighbours.values)
    scores = np.zeros((queries, num_items))
    rows, places = np.nonzero(neighbours.targets >= 0)
    cells = (rows, neighbours.targets[rows, places])
    if form == "sum":
        np.add.at(scores, cells, neighbours.values[rows, places])
    else:
        np.maximum.at(scores, cells, neighbours.values[rows, places])
    return scores


def shares(scores: np.ndarray, counts: np.ndarray, by_popularity: float) -> np.ndarray:
    """Probability of each item to come next: (1 - e) s_i+ / sum s+ + e (n_i + 1) / sum (n + 1), s+ = max(s, 0).

    Args:
        scores: float64 (queries, num_items).
        counts: int64 (num_items,). Times that each item was taken.
        by_popularity: e, above 0, so that every item has a share; a query whose scores are all 0 or less goes by popularity alone.

    Returns:
        float64 (queries, num_items), each row with the sum 1.
    """
    popular = (counts + 1.0) / (counts + 1.0).sum()
    kept = np.maximum(scores, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    voted = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0.0)
    return np.asarray(np.where(total > 0.0, (1.0 - by_popularity) * voted + by_popularity * popular, popular))
