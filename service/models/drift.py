"""Drift: routing of served rows compared with the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ihas.bundle.reference import Reference
from ihas.rates import stability
from ihas.serving.capabilities import Observed, RoutingObserver, no_margins

REMEMBERED = 100_000
"""Rows after which every count is halved, so that old rows fade."""


@dataclass(frozen=True)
class RoutingMetrics:
    """Routing of a version's rows in one process since its start; a frozen value, so that readers see one moment.

        group drift = sum_k (p_k - q_k) ln(p_k / q_k)                 p_k, q_k: share of group k, served and training
        drift of a gate = the same over its two states                p, q: share of rows with the gate open, and closed
        gate drift = mean over gates;  far = distance to the nearest centroid > the training rows' 0.99 quantile

    Where sums of ids say the group, no gate is computed, and in place of gates there are margins:

        drift of a field = sum_b (p_b - q_b) ln(p_b / q_b)            b: bins between the deciles, over the training rows, of what the
                                                                      field adds to the margin of the group over the runner-up
        margin drift = the same over the margin itself;  far = margin < the training rows' 0.01 quantile: between two groups

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
        margins = no_margins() if reference.margins is None else np.zeros(reference.margins.shares.shape)
        return cls(reference, routing.field_names, Observed(groups, groups, width, margins))

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
        """Population stability index of each field's gates, a mean over them; empty where no gates are computed."""
        if not len(self.reference.gate_rates):
            return {}
        found, expected = (self.seen.gates / self.seen.total).tolist(), self.reference.gate_rates.tolist()
        each = [stability((p, 1.0 - p), (q, 1.0 - q)) for p, q in zip(found, expected, strict=True)]
        return dict(zip(self.fields, np.array(each).reshape(len(self.fields), -1).mean(axis=1).tolist(), strict=True))

    @property
    def gate_drift(self) -> float | None:
        """Mean over all gates; None where no gates are computed."""
        return sum(self.gate_drifts.values()) / len(self.fields) if self.gate_drifts else None

    @property
    def margin_drifts(self) -> Mapping[str, float]:
        """Population stability index of what each field adds to the margin; empty where the nearest centroid says the group."""
        return dict(zip(self.fields, self._margin_drifts(), strict=False))

    @property
    def margin_drift(self) -> float | None:
        """Population stability index of the margin; None where the nearest centroid says the group."""
        drifts = self._margin_drifts()
        return drifts[-1] if drifts else None

    def _margin_drifts(self) -> list[float]:
        """Of each field, and of the margin itself."""
        if self.reference.margins is None:
            return []
        pairs = zip((self.seen.margins / self.seen.total).tolist(), self.reference.margins.shares.tolist(), strict=True)
        return [stability(found, expected) for found, expected in pairs]

    @property
    def far_share(self) -> float:
        """Share of rows far from every group; where sums say the group, of rows between two groups."""
        return float(self.seen.far.sum() / self.seen.total)
