"""Figures of routing and of shadow versions over all processes of the API: this one's from memory, those of others as they last wrote."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ihas.serving.capabilities import Observed
from ihas_service.models.drift import RoutingMetrics
from ihas_service.models.response_log import ResponseLog, ShadowMetrics
from ihas_service.storage.replica_figures import Key, ReplicaFigures

WRITE_EVERY_S = 2.0


@dataclass
class Replicas:
    """Adds up what processes count.

    Attributes:
        log: what this process counts.
        table: what all of them have written.
    """

    log: ResponseLog
    table: ReplicaFigures

    def __post_init__(self) -> None:
        self.name = secrets.token_hex(16)
        self._written: dict[Key, Mapping[str, Any]] = {}

    def write(self) -> None:
        """Write down what has changed since the last time."""
        now = self._document_of_each()
        changed = {key: figures for key, figures in now.items() if self._written.get(key) != figures}
        if changed:
            self.table.put(self.name, changed)
            self._written = now

    def routing(self, tenant: str, model: str, version: int, empty: RoutingMetrics | None = None) -> RoutingMetrics | None:
        """How rows of a version were routed; None where none were.

        Args:
            empty: figures of no rows, by which those of other processes are read where this one has none.
        """
        found = self.log.routing.get((tenant, model, version), empty)
        if found is None:
            return None
        for number, figures in self.table.of_others(self.name, tenant, model):
            more = observed(figures.get("routing"), found) if number == version else None
            found = found if more is None else found.plus(more)
        return found if found.rows else None

    def drift_of(self, tenant: str, model: str, version: int) -> tuple[int, float] | None:
        """Rows of a version that all processes have routed, and the drift of their groups; None where this process has routed none."""
        found = self.routing(tenant, model, version)
        return None if found is None else (found.rows, found.group_drift)

    def shadows(self, tenant: str, model: str) -> Mapping[int, ShadowMetrics]:
        """What shadow versions answered, by version."""
        sums = {version: [one] for (of, name, version), one in list(self.log.shadows.items()) if (of, name) == (tenant, model)}
        for version, figures in self.table.of_others(self.name, tenant, model):
            if figures.get("shadow"):
                sums.setdefault(version, []).append(ShadowMetrics(**figures["shadow"]))
        return {version: _sum(ones) for version, ones in sums.items()}

    def _document_of_each(self) -> dict[Key, Mapping[str, Any]]:
        routing, shadows = dict(self.log.routing), dict(self.log.shadows)
        keys = routing.keys() | shadows.keys()
        return {key: {"routing": _document(routing.get(key)), "shadow": _plain(shadows.get(key))} for key in keys}


def _sum(ones: Sequence[ShadowMetrics]) -> ShadowMetrics:
    return ShadowMetrics(**{field.name: sum(getattr(one, field.name) for one in ones) for field in fields(ShadowMetrics)})


def _document(figures: RoutingMetrics | None) -> Mapping[str, Any] | None:
    return None if figures is None else {field.name: getattr(figures.seen, field.name).tolist() for field in fields(Observed)}


def _plain(figures: ShadowMetrics | None) -> Mapping[str, Any] | None:
    return None if figures is None else asdict(figures)


def observed(document: Mapping[str, Any] | None, like: RoutingMetrics) -> Observed | None:
    """Counts that another process wrote; None where it wrote none, or of other shapes: another bundle under the same number."""
    if document is None:
        return None
    arrays = {name: np.array(values, dtype=np.float64) for name, values in document.items()}
    known = {field.name: getattr(like.seen, field.name) for field in fields(Observed)}
    for name, array in arrays.items():
        arrays[name] = array.reshape(known[name].shape) if name in known and array.size == known[name].size == 0 else array
    fits = arrays.keys() == known.keys() and all(arrays[name].shape == known[name].shape for name in known)
    return Observed(**arrays) if fits else None
