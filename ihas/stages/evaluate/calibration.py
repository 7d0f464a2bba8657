"""Calibration of the chosen model on validation rows, and how far its scores are from rates of clicks.

    none       log-odds = logit
    platt      log-odds = a * logit + b, a > 0                    Platt 1999, without his smoothing of the labels
    isotonic   score = a step function of the logit that never falls, read between its steps    Zadrozny and Elkan 2002

Which one is told by log-loss on five folds of the validation rows, each fitted on the other four: a later one of the three is taken only
where its mean log-loss is lower than the one before by more than a standard error of the paired difference (our choice).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ihas.bundle.calibration import Calibration
from ihas.config.evaluate import CalibrationMethod
from ihas.graded_metrics import are_fractions
from ihas.metrics import auc, calibration_error, reliability, row_losses, sigmoid
from ihas.results.calibration import CalibrationResult

FOLDS, FEWEST_OF_A_LABEL = 5, 20
END = 30.0
"""A logit beyond which every score is as good as 0 or 1; serving cuts logits here too."""
Fit = Callable[[np.ndarray, np.ndarray], Calibration | None]


def platt(logits: np.ndarray, labels: np.ndarray) -> Calibration | None:
    """The line; None where the rows say that it falls."""
    rows = logits.reshape(-1, 1).astype(np.float64)
    if are_fractions(labels):  # each row as a click and as none, weighted by the fraction
        shares, both = np.concatenate([labels, 1.0 - labels]), np.repeat([True, False], len(labels))
        fitted = LogisticRegression(C=np.inf).fit(np.concatenate([rows, rows]), both, sample_weight=shares.astype(np.float64))
    else:
        fitted = LogisticRegression(C=np.inf).fit(rows, labels > 0.5)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    ends = np.array([-END, END])
    return Calibration(ends, slope * ends + intercept) if slope > 0.0 else None


def isotonic(logits: np.ndarray, labels: np.ndarray) -> Calibration | None:
    """The steps; a rate of 0 or 1 is drawn in by half a row, for no finite number of rows shows either. None where there is one step."""
    least = 0.5 / (len(labels) + 1)
    fitted = IsotonicRegression(y_min=least, y_max=1.0 - least, out_of_bounds="clip").fit(logits.astype(np.float64), labels)
    rates = np.clip(fitted.y_thresholds_, least, 1.0 - least).astype(np.float64)
    places = fitted.X_thresholds_.astype(np.float64)
    return Calibration(places, np.log(rates) - np.log1p(-rates)) if rates[0] < rates[-1] else None


FITS: Mapping[CalibrationMethod, Fit] = MappingProxyType({"platt": platt, "isotonic": isotonic})


def calibrate(logits: np.ndarray, labels: np.ndarray, wanted: CalibrationMethod | None) -> tuple[CalibrationMethod, Calibration | None]:
    """The method, and what it fitted.

    Args:
        logits, labels: float (rows,), of the validation rows.
        wanted: a method to use; None to choose.

    Returns:
        `none` and None where no method helps, or a label has fewer than 20 rows.
    """
    method = _chosen(logits, labels) if wanted is None else wanted
    if method == "none" or _fewest(labels) < FEWEST_OF_A_LABEL:
        return "none", None
    fitted = FITS[method](logits, labels)
    return ("none", None) if fitted is None else (method, fitted)


def served_calibration(fitted: Calibration | None, negatives_kept: float) -> Calibration | None:
    """What is served of what was fitted, for rows of which a share of those without a click was left out; None where nothing is changed."""
    if negatives_kept == 1.0:
        return fitted
    ends = np.array([-END, END])
    return (fitted or Calibration(ends, ends)).without_sampling(negatives_kept)


def on_a_line(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Logits as the line that fits them best answers them, and as they are where none does: float (rows,) -> float (rows,)."""
    fitted = calibrate(logits, labels, "platt")[1]
    return logits if fitted is None else fitted(logits)


def _fewest(labels: np.ndarray) -> int:
    """Rows of the rarer label; of fractions, what they add up to."""
    clicks = int(labels.sum(dtype=np.float64))
    return min(clicks, len(labels) - clicks)


def _chosen(logits: np.ndarray, labels: np.ndarray) -> CalibrationMethod:
    if _fewest(labels) < FEWEST_OF_A_LABEL:
        return "none"
    best: CalibrationMethod = "none"
    losses = row_losses(logits, labels)
    for method, fit in FITS.items():
        others = held_out_losses(logits, labels, fit)
        gains = losses - others
        if gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains)):
            best, losses = method, others
    return best


def held_out_losses(logits: np.ndarray, labels: np.ndarray, fit: Fit) -> np.ndarray:
    """Log-loss of each row under what the other folds fitted, in nats: float64 (rows,). Every fifth row of each label is a fold's, every
    fifth by rank of labels that are fractions."""
    fold = np.empty(len(labels), np.int64)
    if are_fractions(labels):
        fold[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % FOLDS
    else:
        for label in (labels > 0.5, labels <= 0.5):
            fold[label] = np.arange(int(label.sum())) % FOLDS
    losses = np.empty(len(labels))
    for number in range(FOLDS):
        inside = fold == number
        fitted = fit(logits[~inside], labels[~inside])
        answered = logits[inside] if fitted is None else fitted(logits[inside])
        losses[inside] = row_losses(answered, labels[inside])
    return losses


def calibration_result(
    method: CalibrationMethod, fitted: Calibration | None, logits: np.ndarray, labels: np.ndarray
) -> CalibrationResult | None:
    """Log-loss and calibration error on test rows, before and after; None where there are none, or of one label."""
    if auc(logits, labels) is None:
        return None
    answered = logits if fitted is None else fitted(logits)
    return CalibrationResult(
        method=method,
        log_loss_before=float(row_losses(logits, labels).mean()),
        log_loss=float(row_losses(answered, labels).mean()),
        error_before=calibration_error(sigmoid(logits), labels),
        error=calibration_error(sigmoid(answered), labels),
        reliability=reliability(sigmoid(answered), labels),
    )
