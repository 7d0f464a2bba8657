"""Metrics of scores against labels: pure functions on arrays."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from ihas.graded_metrics import are_fractions, concordance, concordance_difference, graded_ndcg, group_concordance
from ihas.results.calibration import ReliabilityBin
from ihas.results.run_result import ClickMetrics, Interval

BINS = 15
NDCG_ROWS = 10


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logit)), without overflow: float (rows,) -> float64 (rows,)."""
    return np.asarray(expit(logits.astype(np.float64)))


def row_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row, ln(1 + exp(l)) - y l: float (rows,) twice -> float64 (rows,), in nats.

    Of a label that is a fraction, its cross-entropy, whose least mean is that of the expected labels (Papke and Wooldridge 1996).
    """
    logits = logits.astype(np.float64)
    return np.asarray(np.logaddexp(0.0, logits) - labels * logits)


def auc(logits: np.ndarray, labels: np.ndarray) -> float | None:
    """Area under the ROC curve, or the concordance index of labels that are fractions; None where only one label occurs."""
    if labels.min(initial=1.0) == labels.max(initial=0.0) or len(labels) == 0:
        return None
    if are_fractions(labels):
        return concordance(logits, labels)
    return float(roc_auc_score(labels, logits))


def group_auc(logits: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float | None:
    """Mean over groups, such as users, of the AUC within each, weighted by its rows; groups of one label do not count, None where all are.

    Source: Zhu et al. 2017, "Optimized Cost per Click in Taobao Display Advertising" (GAUC); ties count half.

    Args:
        logits: float (rows,); labels: float (rows,), 0 or 1; groups: int (rows,), below 0 for a row of no group.
    """
    kept = groups >= 0
    if are_fractions(labels):
        return group_concordance(logits[kept], labels[kept], groups[kept])
    logits, positive, groups = logits[kept], labels[kept] > 0.5, groups[kept]
    if not len(groups):
        return None
    order = np.lexsort((logits, groups))
    logits, positive, groups = logits[order], positive[order], groups[order]
    first = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    rows = np.diff(np.append(first, len(groups)))
    clicks = np.add.reduceat(positive.astype(np.float64), first)
    both = (clicks > 0) & (clicks < rows)
    if not both.any():
        return None
    sums = np.add.reduceat(_ranks_within(logits, groups, np.repeat(first, rows)) * positive, first)
    aucs = (sums[both] - clicks[both] * (clicks[both] + 1) / 2) / (clicks[both] * (rows[both] - clicks[both]))
    return float(np.average(aucs, weights=rows[both]))


def group_ndcg(logits: np.ndarray, labels: np.ndarray, groups: np.ndarray, k: int = NDCG_ROWS) -> float | None:
    """Mean over groups of sum_{ranks <= k} y / log2(rank + 1), divided by the most that it could be; groups of one label do not count.

    Source: Jarvelin and Kekalainen 2002, the gain of a row is its label; rows of equal logits share their places' discounts (McSherry and
    Najork 2008).

    Args:
        logits: float (rows,); labels: float (rows,), 0 or 1; groups: int (rows,), below 0 for a row of no group.
        k: rows of a group that count.
    """
    kept = groups >= 0
    if are_fractions(labels):
        return graded_ndcg(logits[kept], labels[kept], groups[kept], k)
    logits, positive, groups = logits[kept], labels[kept] > 0.5, groups[kept]
    if not len(groups):
        return None
    order = np.lexsort((-logits, groups))
    logits, positive, groups = logits[order], positive[order].astype(np.float64), groups[order]
    first = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    rows, clicks = np.diff(np.append(first, len(groups))), np.add.reduceat(positive, first)
    rank = np.arange(len(groups)) - np.repeat(first, rows) + 1
    discount = np.where(rank <= k, 1.0 / np.log2(rank + 1.0), 0.0)
    ties = np.flatnonzero(np.append(True, (np.diff(groups) != 0) | (np.diff(logits) != 0)))
    sizes = np.diff(np.append(ties, len(groups)))
    gains = np.add.reduceat(positive * np.repeat(np.add.reduceat(discount, ties) / sizes, sizes), first)
    most = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(1, k + 1) + 1.0))])[np.minimum(clicks, k).astype(np.int64)]
    both = (clicks > 0) & (clicks < rows)
    return float((gains[both] / most[both]).mean()) if both.any() else None


def _ranks_within(logits: np.ndarray, groups: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Rank from 1 within the group, the mean of equal ones: float64 (rows,), of rows sorted by group and logit."""
    starts = np.flatnonzero(np.append(True, (np.diff(groups) != 0) | (np.diff(logits) != 0)))
    ends = np.append(starts[1:], len(logits))
    return np.asarray(np.repeat((starts + ends + 1) / 2, ends - starts) - first)


def click_metrics(
    logits: np.ndarray, labels: np.ndarray, users: np.ndarray | None = None, label_range: tuple[float, float] | None = None
) -> ClickMetrics:
    """Metrics of logits; without rows there are none.

    Args:
        logits: float (rows,); labels: float (rows,), from 0 to 1; users: int (rows,), below 0 for none.
        label_range: numbers that the labels 0 and 1 stand for, where labels are fractions.
    """
    clicks = float(labels.sum())
    return ClickMetrics(
        rows=len(labels),
        auc=auc(logits, labels),
        log_loss=float(row_losses(logits, labels).mean()) if len(labels) else None,
        calibration=float(sigmoid(logits).sum()) / clicks if clicks else None,
        user_auc=None if users is None else group_auc(logits, labels, users),
        user_ndcg=None if users is None else group_ndcg(logits, labels, users),
        **({} if label_range is None or not len(labels) else _errors(sigmoid(logits), labels, label_range[1] - label_range[0])),
    )


def _errors(scores: np.ndarray, labels: np.ndarray, width: float) -> dict[str, float | None]:
    """RMSE and MAE in units of the label, whose range is so wide, and R2; float (rows,) each."""
    errors, spread = scores - labels, float(((labels - labels.mean(dtype=np.float64)) ** 2).mean())
    squared = float((errors**2).mean())
    r2 = 1.0 - squared / spread if spread > 0.0 else None
    return {"rmse": width * float(np.sqrt(squared)), "mae": width * float(np.abs(errors).mean()), "r2": r2}


def reliability(scores: np.ndarray, labels: np.ndarray) -> tuple[ReliabilityBin, ...]:
    """Mean score and rate of clicks in at most 15 bins of about as many rows each, by score; equal scores share a bin.

    Args:
        scores: float (rows,), in [0, 1]; labels: float (rows,), 0 or 1.
    """
    if not len(scores):
        return ()
    edges = np.unique(np.quantile(scores, np.arange(1, BINS) / BINS, method="lower"))
    number = np.searchsorted(edges, scores, side="left")
    return tuple(_bin(scores[number == one], labels[number == one]) for one in np.unique(number))


def _bin(scores: np.ndarray, labels: np.ndarray) -> ReliabilityBin:
    return ReliabilityBin(rows=len(scores), score=float(scores.mean()), click_rate=float(labels.mean()))


def calibration_error(scores: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error, sum over bins of rows / all rows * |mean score - rate of clicks|, in [0, 1].

    Source: Naeini, Cooper and Hauskrecht 2015; bins of about as many rows each, as `reliability` forms them (Nguyen and O'Connor 2015).
    """
    return sum(one.rows * abs(one.score - one.click_rate) for one in reliability(scores, labels)) / max(len(labels), 1)


def auc_components(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of rows of the other label that each row is ordered rightly against, ties counting half.

    Returns:
        positives: float64 (clicks,), V10 of DeLong et al. 1988; negatives: float64 (rows - clicks,), V01.
    """
    positive = labels > 0.5
    ranks = rankdata(logits)
    within_positives, within_negatives = rankdata(logits[positive]), rankdata(logits[~positive])
    num_positives, num_negatives = int(positive.sum()), int((~positive).sum())
    positives = (ranks[positive] - within_positives) / num_negatives
    negatives = 1.0 - (ranks[~positive] - within_negatives) / num_positives
    return positives, negatives


def auc_difference(logits: np.ndarray, base_logits: np.ndarray, labels: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """AUC(logits) - AUC(base_logits) on the same rows, with its paired interval.

    Source: DeLong, DeLong and Clarke-Pearson 1988: var = S10 / clicks + S01 / others, S10 and S01 the sample variances of
    the differences of components. With fewer than two rows of a label nothing is known: 0, from -1 to 1. Of labels that are fractions,
    the difference of concordance indices (`ihas.graded_metrics`).
    """
    if are_fractions(labels):
        return concordance_difference(logits, base_logits, labels, confidence=confidence)
    clicks = int((labels > 0.5).sum())
    if min(clicks, len(labels) - clicks) < 2:
        return Interval(difference=0.0, low=-1.0, high=1.0)
    pairs = zip(auc_components(logits, labels), auc_components(base_logits, labels), strict=True)
    positives, negatives = (own - base for own, base in pairs)
    difference = float(positives.mean())
    variance = positives.var(ddof=1) / len(positives) + negatives.var(ddof=1) / len(negatives)
    half = float(norm.ppf(0.5 + confidence / 2.0)) * float(np.sqrt(variance))
    return Interval(difference=difference, low=difference - half, high=difference + half)
