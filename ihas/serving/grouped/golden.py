"""A bundle serves only after it has answered its golden rows as recorded."""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import GoldenRows
from ihas.errors import BundleCorruptError
from ihas.serving.grouped.group_model import ServedGroupModel
from ihas.serving.grouped.model import NO_GATES
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.grouped.sums import FieldSums

TOLERANCE = 1e-5
"""Largest difference of a logit: |logit - recorded| <= TOLERANCE * (1 + |recorded|)."""


def check_golden(recommender: GroupedRecommender, golden: GoldenRows) -> None:
    """Score the golden rows and compare.

    Raises:
        BundleCorruptError: a row falls into another group, or a logit differs by more than `TOLERANCE`.
    """
    group, logits = recommender.score_ids(golden.ids)
    moved = np.flatnonzero(group != golden.group)
    if len(moved):
        row = int(moved[0])
        raise BundleCorruptError(
            f"Golden rows must fall into their recorded groups, but {len(moved)} of {len(group)} do not; "
            f"row {row}: group {group[row]} instead of {golden.group[row]}. Write the bundle anew from its run."
        )
    _check_logits("score", logits, golden.logits)
    _check_logits("score from sums", _logits_of_sums(recommender, golden, logits), golden.logits)


def check_model(served: ServedGroupModel, golden: GoldenRows, rows: np.ndarray) -> None:
    """Score golden rows by one model that reads no gates, whole and from sums, whatever group they fall into, and compare.

    Args:
        served: the model.
        golden: rows and the logits that they must get.
        rows: int (n,). Which of them.

    Raises:
        BundleCorruptError: a logit differs by more than `TOLERANCE`.
    """
    if not len(rows):
        return
    two_sided, ids, recorded = served.exported.two_sided, golden.ids[rows], golden.logits[rows]
    _check_logits("score", served.logits(ids, NO_GATES), recorded)
    if two_sided is not None:
        sums = FieldSums(served.exported, two_sided, served.layout, range(served.layout.num_fields))(ids)
        _check_logits("score from sums", served.logits_of_sums(sums + two_sided.bias), recorded)


def _logits_of_sums(recommender: GroupedRecommender, golden: GoldenRows, whole: np.ndarray) -> np.ndarray:
    """Logits from sums; `whole` where a model is not two-sided."""
    model, logits = recommender.model, whole.copy()
    model_of_row = model.model_of(golden.group)
    for number, served in enumerate(model.models):
        two_sided, rows = served.exported.two_sided, np.flatnonzero(model_of_row == number)
        if two_sided is not None and len(rows):
            sums = FieldSums(served.exported, two_sided, model.layout, range(model.layout.num_fields))(golden.ids[rows])
            logits[rows] = served.logits_of_sums(sums + two_sided.bias)
    return logits


def _check_logits(what: str, logits: np.ndarray, recorded: np.ndarray) -> None:
    difference = np.abs(logits - recorded)
    if not np.allclose(logits, recorded, rtol=TOLERANCE, atol=TOLERANCE):
        raise BundleCorruptError(
            f"Golden rows must {what} as recorded, within {TOLERANCE}, but the largest difference is {difference.max():.3g} "
            f"in row {int(difference.argmax())}. Write the bundle anew from its run."
        )
