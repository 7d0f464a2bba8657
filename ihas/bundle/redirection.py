"""Groups whose own model cannot be used, given to the shared one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ihas.bundle.values import Bundle, ExportedModel


def keep_paths(
    paths: Sequence[ExportedModel | None], path_of_group: Sequence[int], fallback: int
) -> tuple[tuple[ExportedModel, ...], tuple[int, ...], int]:
    """Paths that are there, with every group of one that is not given to the fallback.

    Args:
        paths: the models; None for one that cannot be used.
        path_of_group: position in `paths`, for each group.
        fallback: position of the shared model, which must be there.

    Returns:
        The paths that are there, the position among them for each group, and the shared one's.
    """
    kept = [position for position, path in enumerate(paths) if path is not None]
    place = {position: number for number, position in enumerate(kept)}
    groups = tuple(place.get(position, place[fallback]) for position in path_of_group)
    return tuple(path for path in paths if path is not None), groups, place[fallback]


def redirect(bundle: Bundle, broken: Mapping[int, str]) -> tuple[Bundle, dict[int, str]]:
    """The bundle without some of its paths, their groups given to the fallback, and these groups with the reason.

    Golden rows of these groups must then score as the fallback did when the bundle was written.

    Args:
        bundle: one with a fallback, which is none of the broken paths.
        broken: why, by position of the path.
    """
    if bundle.fallback is None or bundle.fallback.path in broken:
        raise ValueError("A bundle can be redirected to a fallback that works only.")
    paths = [None if position in broken else path for position, path in enumerate(bundle.paths)]
    kept, groups, fallback = keep_paths(paths, bundle.path_of_group, bundle.fallback.path)
    reasons = {group: broken[position] for group, position in enumerate(bundle.path_of_group) if position in broken}
    logits = np.where(np.isin(bundle.golden.group, list(reasons)), bundle.fallback.logits, bundle.golden.logits).astype(np.float32)
    golden = replace(bundle.golden, logits=logits)
    changed = replace(bundle, paths=kept, path_of_group=groups, golden=golden, fallback=replace(bundle.fallback, path=fallback))
    return changed, reasons
