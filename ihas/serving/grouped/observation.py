"""How rows were routed, counted: what a service compares with the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.bundle.values import Reference
from ihas.routing.router import Router


@dataclass(frozen=True)
class Observed:
    """Counts of rows; fractions where old ones were weighed down.

    Attributes:
        rows: float64 (num_groups,). Rows of each group.
        far: float64 (num_groups,). Those of them that are far from every group.
        gates: float64 (N,). Rows with each gate open.
    """

    rows: np.ndarray
    far: np.ndarray
    gates: np.ndarray

    @property
    def total(self) -> float:
        """Rows."""
        return float(self.rows.sum())

    def plus(self, other: Observed) -> Observed:
        """Both together."""
        return Observed(self.rows + other.rows, self.far + other.far, self.gates + other.gates)

    def times(self, weight: float) -> Observed:
        """Every row counted as so much of one."""
        return Observed(self.rows * weight, self.far * weight, self.gates * weight)


def observe(router: Router, reference: Reference, ids: np.ndarray) -> Observed:
    """Count rows, int32 (rows, num_slots)."""
    route = router.route(ids)
    far = route.distances.min(axis=1) > reference.far
    groups = router.num_groups
    return Observed(
        rows=np.bincount(route.group, minlength=groups).astype(np.float64),
        far=np.bincount(route.group[far], minlength=groups).astype(np.float64),
        gates=route.gates.sum(axis=0, dtype=np.float64),
    )
