"""Metrics of scores against labels that are fractions, such as ratings from 0 to 1; of labels 0 and 1 they are AUC, GAUC and NDCG.

    concordance index    pairs of rows with different labels whose scores are ordered alike, equal scores counting half
                         -------------------------------------------------------------------------------------------------
                                                    pairs of rows with different labels

Source: Harrell et al. 1996, "Multivariable prognostic models", without censoring. Pairs are counted bit by bit of the labels' ranks, as in
a wavelet matrix (Claude and Navarro 2012): O(rows * log labels) after a sort.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ihas.results.run_result import Interval


@dataclass(frozen=True)
class PairCounts:
    """Pairs that each row is part of, with rows of another label: float64 (rows,) each.

    Attributes:
        wins: ordered alike by scores and labels, equal scores counting half.
        pairs: all.
    """

    wins: np.ndarray
    pairs: np.ndarray

    @property
    def index(self) -> float | None:
        """The concordance index; None without pairs."""
        total = float(self.pairs.sum())
        return float(self.wins.sum()) / total if total else None


def are_fractions(labels: np.ndarray) -> bool:
    """Whether a label is neither 0 nor 1."""
    return bool(((labels != 0.0) & (labels != 1.0)).any())


def above_middle(labels: np.ndarray) -> np.ndarray:
    """Rows whose label is 1, or above the mean of labels that are fractions (our choice): bool (rows,) of float (rows,)."""
    middle = float(labels.mean(dtype=np.float64)) if are_fractions(labels) else 0.5
    return np.asarray(labels > middle, bool)


def count_pairs(scores: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None) -> PairCounts:
    """Pairs within each group, or among all rows.

    Args:
        scores: float (rows,); labels: float (rows,); groups: int (rows,).
    """
    rows = len(scores)
    group = np.zeros(rows, np.int64) if groups is None else np.unique(groups, return_inverse=True)[1].astype(np.int64)
    level = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    bits = int(level.max(initial=0)).bit_length()
    code = (group << bits) + level
    order = np.lexsort((scores, group))
    equal = np.cumsum(np.append(0, np.diff(scores[order]) != 0)) if rows else np.empty(0, np.int64)
    wins = np.zeros(rows)
    code_in_order = code[order]
    for bit in reversed(range(bits)):
        found, target = _of_bit(code_in_order, equal, bit)
        wins[order] += found
        for array in (order, equal, code_in_order):
            array[target] = array.copy()
    _, own, alike = np.unique(code, return_inverse=True, return_counts=True)
    return PairCounts(wins, (np.bincount(group, minlength=1)[group] - alike[own]).astype(np.float64))


def _of_bit(code: np.ndarray, equal: np.ndarray, bit: int) -> tuple[np.ndarray, np.ndarray]:
    """Wins over rows whose code differs first in this bit, float64 (rows,), and where each row goes to be sorted by it, int64 (rows,).

    Rows are sorted by the bits above, and among equal ones by score; `equal` is one number for each score.
    """
    above, upper = code >> (bit + 1), ((code >> bit) & 1).astype(bool)
    starts = np.append(True, np.diff(above) != 0)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(code))
    tie = np.flatnonzero(starts | np.append(True, np.diff(equal) != 0))
    after = np.append(tie[1:], len(code))
    lower = np.append(0, np.cumsum(~upper))
    of_block, of_tie = last - first, after - tie
    below = np.repeat((lower[tie] + lower[after]) / 2.0, of_tie)  # lower rows of less score, half of equal ones
    beside = np.repeat((tie + after) / 2.0, of_tie) - below  # upper ones, in the same way
    begin, end = np.repeat(lower[first], of_block), np.repeat(lower[last], of_block)
    block, stop = np.repeat(first, of_block), np.repeat(last, of_block)
    found = np.where(upper, below - begin, (stop - end) - beside)
    place = np.arange(len(code))
    target = np.where(upper, block + (end - begin) + (place - lower[:-1]) - (block - begin), block + lower[:-1] - begin)
    return found, target


def concordance(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """The concordance index of float (rows,) each; None where all labels are one."""
    return count_pairs(scores, labels).index


def concordance_difference(scores: np.ndarray, base: np.ndarray, labels: np.ndarray, *, confidence: float) -> Interval:
    """Concordance index of the scores minus that of others on the same rows, float (rows,) each, with its paired interval.

    var = 4 / rows * var_i((w_i - w'_i - difference * p_i) / mean p), of each row's wins w and w' and pairs p: the first-order variance of
    a ratio of U-statistics. Source: Pencina and D'Agostino 2004; Kang et al. 2015 for two of the same rows. With fewer than four rows, or
    one label, nothing is known: 0, from -1 to 1.
    """
    own, other = count_pairs(scores, labels), count_pairs(base, labels)
    if len(labels) < 4 or own.index is None or other.index is None:
        return Interval(difference=0.0, low=-1.0, high=1.0)
    difference = own.index - other.index
    parts = (own.wins - other.wins - difference * own.pairs) / own.pairs.mean()
    half = float(norm.ppf(0.5 + confidence / 2.0)) * 2.0 * float(parts.std(ddof=1)) / float(np.sqrt(len(labels)))
    return Interval(difference=difference, low=difference - half, high=difference + half)


def group_concordance(scores: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float | None:
    """Mean over groups of the concordance index within each, weighted by its rows; groups of one label do not count, None where all are.

    Args:
        scores: float (rows,); labels: float (rows,); groups: int (rows,), 0 or above.
    """
    if not len(groups):
        return None
    counts = count_pairs(scores, labels, groups)
    number = np.unique(groups, return_inverse=True)[1]
    wins, pairs, rows = (np.bincount(number, weights) for weights in (counts.wins, counts.pairs, None))
    told = pairs > 0
    return float(np.average(wins[told] / pairs[told], weights=rows[told])) if told.any() else None


def graded_ndcg(scores: np.ndarray, labels: np.ndarray, groups: np.ndarray, k: int) -> float | None:
    """Mean over groups of sum_{ranks <= k} label / log2(rank + 1), divided by the most that it could be; groups of one label do not count.

    Source: Jarvelin and Kekalainen 2002, the gain of a row is its label; rows of equal scores share their places' discounts.

    Args:
        scores: float (rows,); labels: float (rows,), 0 or above; groups: int (rows,), 0 or above.
        k: rows of a group that count.
    """
    if not len(groups):
        return None
    found, most = (_gains(order, labels, groups, k) for order in (scores, labels))
    number = np.unique(groups, return_inverse=True)[1]
    least, largest = np.full(number.max() + 1, np.inf), np.full(number.max() + 1, -np.inf)
    np.minimum.at(least, number, labels)
    np.maximum.at(largest, number, labels)
    told = largest > least
    return float((found[told] / most[told]).mean()) if told.any() else None


def _gains(order_by: np.ndarray, labels: np.ndarray, groups: np.ndarray, k: int) -> np.ndarray:
    """Discounted gains of each group, in ascending order of groups: float64 (groups,)."""
    order = np.lexsort((-order_by, groups))
    group, key, gain = groups[order], order_by[order], labels[order].astype(np.float64)
    starts = np.append(True, np.diff(group) != 0)
    first = np.flatnonzero(starts)
    rank = np.arange(len(group)) - np.repeat(first, np.diff(np.append(first, len(group)))) + 1
    discount = np.where(rank <= k, 1.0 / np.log2(rank + 1.0), 0.0)
    ties = np.flatnonzero(starts | np.append(True, np.diff(key) != 0))
    sizes = np.diff(np.append(ties, len(group)))
    return np.asarray(np.add.reduceat(gain * np.repeat(np.add.reduceat(discount, ties) / sizes, sizes), first))
