"""How rows were routed, counted: what a service compares with the training rows."""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import Reference
from ihas.routing.router import Router
from ihas.serving.capabilities import Observed


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
