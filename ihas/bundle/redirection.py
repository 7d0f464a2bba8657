"""Groups whose own model cannot be used, given to the shared one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ihas.bundle.values import Bundle, ExportedModel


def keep_models(
    models: Sequence[ExportedModel | None], model_of_group: Sequence[int], fallback: int
) -> tuple[tuple[ExportedModel, ...], tuple[int, ...], int]:
    """Models that are there, with every group of one that is not given to the fallback.

    Args:
        models: the models; None for one that cannot be used.
        model_of_group: position in `models`, for each group.
        fallback: position of the shared model, which must be there.

    Returns:
        The models that are there, the position among them for each group, and the shared one's.
    """
    kept = [position for position, model in enumerate(models) if model is not None]
    new_position = {position: number for number, position in enumerate(kept)}
    groups = tuple(new_position.get(position, new_position[fallback]) for position in model_of_group)
    return tuple(model for model in models if model is not None), groups, new_position[fallback]


def redirect(bundle: Bundle, broken: Mapping[int, str]) -> tuple[Bundle, dict[int, str]]:
    """The bundle without some of its models, their groups given to the fallback, and these groups with the reason.

    Golden rows of these groups must then score as the fallback did when the bundle was written.

    Args:
        bundle: one with a fallback, which is none of the broken models.
        broken: why, by position of the model.
    """
    if bundle.fallback is None or bundle.fallback.model in broken:
        raise ValueError("A bundle can be redirected to a fallback that works only.")
    models = [None if position in broken else model for position, model in enumerate(bundle.models)]
    kept, groups, fallback = keep_models(models, bundle.model_of_group, bundle.fallback.model)
    reasons = {group: broken[position] for group, position in enumerate(bundle.model_of_group) if position in broken}
    logits = np.where(np.isin(bundle.golden.group, list(reasons)), bundle.fallback.logits, bundle.golden.logits).astype(np.float32)
    golden = replace(bundle.golden, logits=logits)
    changed = replace(bundle, models=kept, model_of_group=groups, golden=golden, fallback=replace(bundle.fallback, model=fallback))
    return changed, reasons
