"""Full-ranking figures: where the item that came next stands among all items.

Tie rule: an item that scores as much as the target stands before it, so that a score that tells nothing earns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.results.run_result import Interval
from ihas.sequential.data.sequences import NextItem, Sequences

CUTOFFS = (5, 10, 20)


class RankingMetrics(Config):
    """How high targets rank among all items."""

    rows: int
    """Targets."""
    hit_rate: dict[int, float]
    """HR@k: share of targets among the first k, by k."""
    ndcg: dict[int, float]
    """NDCG@k: mean of 1 / log2(1 + rank) over targets among the first k, 0 for the others, by k."""
    mrr: float
    """Mean of 1 / rank, without a cut-off."""


def target_ranks(scores: np.ndarray, targets: np.ndarray, hidden: Sequences | None = None) -> np.ndarray:
    """Place of each target, 1 + |{i != target, i not hidden: score_i >= score_target}|.

    Args:
        scores: float (rows, num_items).
        targets: int (rows,). The item that came next.
        hidden: one sequence per row of items that must not be recommended, such as its history. A target among them
            cannot be found: it takes the last place, `num_items`.

    Returns:
        int64 (rows,), from 1 to num_items.

    Raises:
        ConfigError: a shape does not fit, a score is not a number, or a target is no item.
    """
    _check(scores, targets, hidden)
    rows = np.arange(len(targets))
    own = scores[rows, targets][:, None]
    ranks = (scores >= own).sum(axis=1)
    if hidden is None:
        return np.asarray(ranks, np.int64)
    of_row = np.repeat(rows, hidden.lengths)
    pairs = np.unique(np.stack([of_row, hidden.items], axis=1), axis=0)
    of_row, items = pairs[:, 0], pairs[:, 1]
    ahead = (scores[of_row, items] >= own[of_row, 0]) & (items != targets[of_row])
    ranks = ranks - np.bincount(of_row[ahead], minlength=len(rows))
    ranks[of_row[items == targets[of_row]]] = scores.shape[1]
    return np.asarray(ranks, np.int64)


def ranks(scores: Callable[[Sequences], np.ndarray], rows: NextItem, *, hide_history: bool = True, block: int = 512) -> np.ndarray:
    """Place of each target among all items: int64 (rows,).

    Args:
        scores: histories to float (histories, num_items); called for `block` histories at a time, so that memory stays small.
        rows: histories and targets.
        hide_history: whether items of the history are taken out of the ranking; a target among them then takes the last place.
        block: histories at a time.
    """
    parts = [np.empty(0, np.int64)]
    for start in range(0, len(rows), block):
        histories = rows.histories.take(np.arange(start, min(start + block, len(rows))))
        parts.append(target_ranks(scores(histories), rows.targets[start : start + block], histories if hide_history else None))
    return np.concatenate(parts)


def ranking_metrics(ranks: np.ndarray, cutoffs: Sequence[int] = CUTOFFS) -> RankingMetrics:
    """HR@k, NDCG@k and MRR of int (rows,) ranks, counted from 1.

    Raises:
        ConfigError: no ranks.
    """
    if not len(ranks):
        raise ConfigError("Metrics need at least one target, but there are none. Give users with three items or more.")
    return RankingMetrics(
        rows=len(ranks),
        hit_rate={k: float((ranks <= k).mean()) for k in cutoffs},
        ndcg={k: float(discounted_gains(ranks, k).mean()) for k in cutoffs},
        mrr=float((1.0 / ranks).mean()),
    )


def discounted_gains(ranks: np.ndarray, cutoff: int) -> np.ndarray:
    """1 / log2(1 + rank) where rank <= cutoff, else 0: int (rows,) -> float64 (rows,). One target, so the ideal gain is 1."""
    return np.where(ranks <= cutoff, 1.0 / np.log2(1.0 + ranks), 0.0)


def paired_difference(own: np.ndarray, base: np.ndarray) -> Interval:
    """Mean of own - base over the same rows with its 95 % interval, mean +- 1.96 sd / sqrt(rows): float (rows,) twice.

    With fewer than two rows nothing is known: from -1 to 1, as far as hits and gains can differ.
    """
    differences = np.asarray(own, np.float64) - np.asarray(base, np.float64)
    mean = float(differences.mean()) if len(differences) else 0.0
    if len(differences) < 2:
        return Interval(difference=mean, low=-1.0, high=1.0)
    half = 1.959963984540054 * float(differences.std(ddof=1)) / float(np.sqrt(len(differences)))
    return Interval(difference=mean, low=mean - half, high=mean + half)


def _check(scores: np.ndarray, targets: np.ndarray, hidden: Sequences | None) -> None:
    if scores.ndim != 2 or targets.shape != scores.shape[:1] or (hidden is not None and len(hidden) != len(scores)):
        rows = None if hidden is None else len(hidden)
        raise ConfigError(
            f"There must be a row of scores, a target and, where given, a hidden sequence for each user, "
            f"but got {scores.shape}, {targets.shape} and {rows}."
        )
    items = np.concatenate([targets, np.empty(0, np.int32) if hidden is None else hidden.items])
    if len(items) and not (items.min() >= 0 and items.max() < scores.shape[1]):
        raise ConfigError(f"Items must lie in 0 .. {scores.shape[1] - 1}, but got {items.min()} .. {items.max()}.")
    if np.isnan(scores).any():
        raise ConfigError("Scores must be numbers, but some are NaN.")
