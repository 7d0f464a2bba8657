"""How the training rows were routed: what served rows are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ihas.routing.additive import GRID, AdditiveRouter, margins
from ihas.routing.route import Route
from ihas.routing.router import AnyRouter, sums_of

FAR_SHARE, ROUTED_AT_ONCE = 0.01, 4_096
NUM_BINS = 10


def margin_parts(sums: AdditiveRouter, ids: np.ndarray, route: Route) -> np.ndarray:
    """What each field adds to the margin of a row's group over the runner-up, and the margin: int32 (rows, num_fields + 1), grid units.

    Args:
        sums: at least two groups.
        ids: int32 (rows, num_slots).
        route: what the sums made of them.
    """
    _, _, fields = sums.parts(ids, route.group)
    return np.concatenate([fields, margins(route.scores)[:, None]], axis=1)


@dataclass(frozen=True)
class Margins:
    """Where the parts of margins lie, in bins between deciles; a row for each field, and the last one for the margin itself.

    Attributes:
        edges: int32 (num_fields + 1, NUM_BINS - 1), ascending, in grid units. A part that equals an edge lies above it.
        shares: float32 (num_fields + 1, NUM_BINS). Share of rows in each bin.
    """

    edges: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, parts: np.ndarray) -> Self:
        """Deciles of rows, and the shares between them: int32 (rows, num_fields + 1)."""
        deciles = np.linspace(0.0, 1.0, NUM_BINS + 1)[1:-1]
        edges = np.ascontiguousarray(np.quantile(parts, deciles, axis=0, method="lower").T.astype(np.int32))
        counts = cls(edges, np.zeros((len(edges), NUM_BINS), np.float32)).counts(parts)
        return cls(edges, (counts / len(parts)).astype(np.float32))

    def counts(self, parts: np.ndarray) -> np.ndarray:
        """Rows in each bin: int32 (rows, num_fields + 1) -> float64 (num_fields + 1, NUM_BINS)."""
        bins = (np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges, parts.T, strict=True))
        return np.array([np.bincount(own, minlength=NUM_BINS) for own in bins], np.float64)


@dataclass(frozen=True)
class Reference:
    """How the training rows were routed.

    Attributes:
        shares: float32 (num_groups,). Share of each group.
        gate_rates: float32 (N,). Share of rows with each gate open; N is 0 where no gates are computed.
        far: distance to the nearest centroid beyond which `FAR_SHARE` of the rows lie; under sums, the margin below which they lie.
        margins: where the parts of the margins lie; None where the nearest centroid says the group, or there is one group.
    """

    shares: np.ndarray
    gate_rates: np.ndarray
    far: float
    margins: Margins | None = None

    @classmethod
    def of(cls, router: AnyRouter, ids: np.ndarray) -> Self:
        """The reference of training rows: int32 (rows, num_slots), at least one."""
        blocks = [ids[start : start + ROUTED_AT_ONCE] for start in range(0, len(ids), ROUTED_AT_ONCE)]
        routes, sums = [router.route(block) for block in blocks], sums_of(router)
        shares = np.bincount(np.concatenate([route.group for route in routes]), minlength=router.num_groups) / len(ids)
        opened = np.sum([route.gates.sum(axis=0) for route in routes], axis=0)
        rates = (shares.astype(np.float32), (opened / len(ids)).astype(np.float32))
        if sums is None:
            nearest = np.concatenate([route.distances.min(axis=1) for route in routes])
            return cls(*rates, float(np.float32(np.quantile(nearest, 1.0 - FAR_SHARE))))
        if sums.num_groups == 1:
            return cls(*rates, 0.0)
        parts = np.concatenate([margin_parts(sums, block, route) for block, route in zip(blocks, routes, strict=True)])
        return cls(*rates, float(np.quantile(parts[:, -1], FAR_SHARE, method="higher")) / GRID, Margins.of(parts))

    def is_far(self, route: Route) -> np.ndarray:
        """Whether rows are unlike `1 - FAR_SHARE` of the training rows: bool (rows,)."""
        if route.scores.shape[1]:
            return np.asarray(margins(route.scores) < self.far * GRID)
        return np.asarray(route.distances.min(axis=1) > self.far)
