"""Drift: routing of served rows compared with the training rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ihas.bundle.values import Reference
from ihas.serving.capabilities import Observed, RoutingObserver

MIN_SHARE = 1e-4
REMEMBERED = 100_000
"""Rows after which every count is halved, so that old rows fade."""


def stability(found: Sequence[float], expected: Sequence[float]) -> float:
    """Population stability index: sum (p - q) ln(p / q), shares at least `MIN_SHARE`."""
    pairs = [(max(p, MIN_SHARE), max(q, MIN_SHARE)) for p, q in zip(found, expected, strict=True)]
    return sum((p - q) * math.log(p / q) for p, q in pairs)


@dataclass(frozen=True)
class RoutingMetrics:
    """Routing of a version's rows in one process since its start; a frozen value, so that readers see one moment.

        group drift = sum_k (p_k - q_k) ln(p_k / q_k)                 p_k, q_k: share of group k, served and training
        drift of a gate = the same over its two states                p, q: share of rows with the gate open, and closed
        gate drift = mean over gates;  far = distance to the nearest centroid > the training rows' 0.99 quantile

    Attributes:
        reference: the training rows.
        fields: names of the fields, in the layout's order.
        seen: counts of the rows.
    """

    reference: Reference
    fields: tuple[str, ...]
    seen: Observed

    @classmethod
    def of(cls, routing: RoutingObserver) -> Self:
        """Metrics of no rows yet."""
        reference = routing.reference
        groups, width = np.zeros(len(reference.shares)), np.zeros(len(reference.gate_rates))
        return cls(reference, routing.field_names, Observed(groups, groups, width))

    def plus(self, more: Observed) -> Self:
        """The figures with more rows."""
        seen = self.seen.plus(more)
        return replace(self, seen=seen.times(0.5) if seen.total > REMEMBERED else seen)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return round(self.seen.total)

    @property
    def group_drift(self) -> float:
        """Population stability index of the groups."""
        return stability((self.seen.rows / self.seen.total).tolist(), self.reference.shares.tolist())

    @property
    def gate_drifts(self) -> Mapping[str, float]:
        """Population stability index of each field's gates, a mean over them."""
        found, expected = (self.seen.gates / self.seen.total).tolist(), self.reference.gate_rates.tolist()
        each = [stability((p, 1.0 - p), (q, 1.0 - q)) for p, q in zip(found, expected, strict=True)]
        return dict(zip(self.fields, np.array(each).reshape(len(self.fields), -1).mean(axis=1).tolist(), strict=True))

    @property
    def gate_drift(self) -> float:
        """Mean over all gates."""
        return sum(self.gate_drifts.values()) / len(self.fields)

    @property
    def far_share(self) -> float:
        """Share of rows far from every group."""
        return float(self.seen.far.sum() / self.seen.total)
