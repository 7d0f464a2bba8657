"""A bundle serves only after it has answered its golden rows as recorded."""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import GoldenRows
from ihas.errors import BundleCorruptError
from ihas.serving.grouped.group_model import PathModel
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
    _check_logits("score by the paths' splits", _split_logits(recommender, golden, logits), golden.logits)


def check_path(path: PathModel, golden: GoldenRows, rows: np.ndarray) -> None:
    """Score some golden rows by one path that reads no gates, whole and by its split, whatever group they fall into, and compare.

    Args:
        path: the model.
        golden: rows and the logits that they must get.
        rows: int (n,). Which of them.

    Raises:
        BundleCorruptError: a logit differs by more than `TOLERANCE`.
    """
    if not len(rows):
        return
    split, ids, recorded = path.path.split, golden.ids[rows], golden.logits[rows]
    _check_logits("score", path.logits(ids, NO_GATES), recorded)
    if split is not None:
        sums = FieldSums(path.path, split, path.layout, range(path.layout.num_fields))(ids)
        _check_logits("score by the paths' splits", path.split_logits(sums + split.bias), recorded)


def _split_logits(recommender: GroupedRecommender, golden: GoldenRows, whole: np.ndarray) -> np.ndarray:
    """Logits by way of the paths' splits; `whole` where a path has none."""
    model, logits = recommender.model, whole.copy()
    path_of_row = model.path_of(golden.group)
    for number, path in enumerate(model.paths):
        split, rows = path.path.split, np.flatnonzero(path_of_row == number)
        if split is not None and len(rows):
            sums = FieldSums(path.path, split, model.layout, range(model.layout.num_fields))(golden.ids[rows])
            logits[rows] = path.split_logits(sums + split.bias)
    return logits


def _check_logits(what: str, logits: np.ndarray, recorded: np.ndarray) -> None:
    difference = np.abs(logits - recorded)
    if not np.allclose(logits, recorded, rtol=TOLERANCE, atol=TOLERANCE):
        raise BundleCorruptError(
            f"Golden rows must {what} as recorded, within {TOLERANCE}, but the largest difference is {difference.max():.3g} "
            f"in row {int(difference.argmax())}. Write the bundle anew from its run."
        )
