"""Figures of scores against labels: pure functions on arrays."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.metrics import log_loss as pooled_log_loss
from sklearn.metrics import roc_auc_score

from ihas.results import Figures, Interval


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logit)), without overflow: float (rows,) -> float64 (rows,)."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64))))


def row_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row, ln(1 + exp(l)) - y l: float (rows,) twice -> float64 (rows,), in nats."""
    logits = logits.astype(np.float64)
    return np.asarray(np.logaddexp(0.0, logits) - labels * logits)


def auc(logits: np.ndarray, labels: np.ndarray) -> float | None:
    """Area under the ROC curve; None where only one label occurs."""
    if labels.min(initial=1.0) == labels.max(initial=0.0) or len(labels) == 0:
        return None
    return float(roc_auc_score(labels, logits))


def figures(logits: np.ndarray, labels: np.ndarray) -> Figures:
    """Figures of float (rows,) logits against labels in {0, 1}; at least one row."""
    scores = sigmoid(logits)
    clicks = float(labels.sum())
    return Figures(
        rows=len(labels),
        auc=auc(logits, labels),
        log_loss=float(pooled_log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15), labels=[0, 1])),
        calibration=float(scores.sum()) / clicks if clicks else None,
    )


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

    Source: DeLong, DeLong and Clarke-Pearson 1988: var = S10 / clicks + S01 / others, of the differences of components.
    """
    positives, negatives = auc_components(logits, labels)
    base_positives, base_negatives = auc_components(base_logits, labels)
    difference = float(positives.mean() - base_positives.mean())
    variance = (positives - base_positives).var() / len(positives) + (negatives - base_negatives).var() / len(negatives)
    half = float(norm.ppf(0.5 + confidence / 2.0)) * float(np.sqrt(variance))
    return Interval(difference=difference, low=difference - half, high=difference + half)
