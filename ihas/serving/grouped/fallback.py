"""From a bundle to a recommender that may serve, groups whose own model fails being given to the shared one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ihas.bundle.redirection import redirect
from ihas.bundle.values import Bundle, GoldenRows
from ihas.errors import BundleCorruptError
from ihas.serving.grouped.golden import check_golden, check_model
from ihas.serving.grouped.group_model import ServedGroupModel
from ihas.serving.grouped.recommender import GroupedRecommender


def checked(bundle: Bundle, degraded: Mapping[int, str]) -> GroupedRecommender:
    """A recommender that has answered its golden rows.

    Args:
        bundle: verified bundle.
        degraded: groups that were given to its fallback already, each with the reason.

    Raises:
        BundleCorruptError: rows fall into other groups, or a model differs and there is no fallback, or that one differs too.
    """
    try:
        return _checked(bundle, degraded)
    except BundleCorruptError:
        broken = {} if bundle.fallback is None else _broken(bundle)
        if not broken or bundle.fallback is None or bundle.fallback.model in broken:
            raise
    changed, reasons = redirect(bundle, broken)
    return _checked(changed, {**degraded, **reasons})


def _checked(bundle: Bundle, degraded: Mapping[int, str]) -> GroupedRecommender:
    recommender = GroupedRecommender(bundle, degraded=degraded)
    check_golden(recommender, bundle.golden)
    for task in bundle.tasks:
        check_model(recommender.model.models[task.model], _with(bundle.golden, task.golden), np.arange(len(bundle.golden.ids)))
    if degraded and bundle.fallback is not None:
        every = np.arange(len(bundle.golden.ids))
        check_model(recommender.model.models[bundle.fallback.model], _with(bundle.golden, bundle.fallback.logits), every)
    return recommender


def _with(golden: GoldenRows, logits: np.ndarray) -> GoldenRows:
    return GoldenRows(golden.ids, golden.group, logits)


def _broken(bundle: Bundle) -> dict[int, str]:
    """Models that cannot be loaded, or score golden rows of their groups differently, by position, each with the reason."""
    reasons = {}
    model_of_row = np.asarray(bundle.model_of_group)[bundle.golden.group]
    for position, exported in enumerate(bundle.models):
        try:
            check_model(ServedGroupModel(exported, bundle.encoder.layout), bundle.golden, np.flatnonzero(model_of_row == position))
        except BundleCorruptError as error:
            reasons[position] = str(error)
    return reasons
