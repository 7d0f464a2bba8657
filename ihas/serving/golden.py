"""A bundle serves only after it has answered its golden rows as recorded."""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import GoldenRows
from ihas.errors import BundleCorruptError
from ihas.serving.recommender import GroupedRecommender

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
    difference = np.abs(logits - golden.logits)
    if not np.allclose(logits, golden.logits, rtol=TOLERANCE, atol=TOLERANCE):
        raise BundleCorruptError(
            f"Golden rows must score as recorded, within {TOLERANCE}, but the largest difference is {difference.max():.3g} "
            f"in row {int(difference.argmax())}. Write the bundle anew from its run."
        )
