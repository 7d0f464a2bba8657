"""How rows were routed, counted: what a service compares with the training rows."""

from __future__ import annotations

import numpy as np

from ihas.bundle.reference import Reference, margin_parts
from ihas.routing.router import AnyRouter, sums_of
from ihas.serving.capabilities import Observed, no_margins


def observe(router: AnyRouter, reference: Reference, ids: np.ndarray) -> Observed:
    """Count rows, int32 (rows, num_slots)."""
    route, sums, groups = router.route(ids), sums_of(router), router.num_groups
    far = reference.is_far(route)
    margins = no_margins() if sums is None or reference.margins is None else reference.margins.counts(margin_parts(sums, ids, route))
    return Observed(
        rows=np.bincount(route.group, minlength=groups).astype(np.float64),
        far=np.bincount(route.group[far], minlength=groups).astype(np.float64),
        gates=route.gates.sum(axis=0, dtype=np.float64),
        margins=margins,
    )
