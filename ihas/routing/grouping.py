"""Groups of instances, as frozen values: what the clustering stage hands to retraining, evaluation and the bundle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ihas.results.run_result import GroupCountResult
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import PointsOf


@dataclass(frozen=True)
class PartGroups:
    """Group of each row of each part: int32 (rows,)."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    @classmethod
    def without_rows(cls) -> PartGroups:
        """Groups of no rows: of one model, which learns from all."""
        none = np.zeros(0, np.int32)
        return cls(none, none, none)


@dataclass(frozen=True)
class Grouping:
    """Groups of instances, each with one mask.

    Attributes:
        on: what the centroids are centroids of.
        centroids: float32 (num_groups, N).
        groups: the group of each row.
        mean_gates: float32 (num_groups, num_fields, dim). Mean deterministic gate over the group's training rows.
        thresholds: the threshold chosen for each group.
        masks: bool (num_groups, num_fields, dim). Dimensions each group keeps: mean gate >= threshold.
        tried: numbers of groups that were tried.
        sums: says the group of a row in place of the nearest centroid; None where the nearest centroid does.
        agreement: share of validation rows of which fitted sums and the nearest centroid say the same; None where none were fitted.
    """

    on: PointsOf
    centroids: np.ndarray
    groups: PartGroups
    mean_gates: np.ndarray
    thresholds: tuple[float, ...]
    masks: np.ndarray
    tried: tuple[GroupCountResult, ...]
    sums: AdditiveRouter | None = None
    agreement: float | None = None

    @property
    def num_groups(self) -> int:
        """Groups."""
        return len(self.masks)

    def of_first(self, num_rows: int) -> Grouping:
        """The same with the groups of the first training rows only: those that were read, before those that a teacher added."""
        return replace(self, groups=replace(self.groups, train=self.groups.train[:num_rows]))
