"""The group of each candidate of one context, from a context part and an item part.

The nearest centroid is argmin_k |c_k|^2 - 2 p . c_k, because |p|^2 is the same for every k; the product is a sum over fields. Where
gates see their own field only (`Gates.restrict`), an item's whole part of the product is known beforehand. Elsewhere the gate logits are
computed for each candidate (candidate_gates.py), and the product after them. Where sums say the group, the context's and the item's
are added, which gives whole rows' sums to the bit (ihas/routing/additive.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ihas.gates.form import elements_of
from ihas.routing.additive import AdditiveRouter, best_group
from ihas.routing.router import AnyRouter, PointsOf, Router, gate_activation, points, sums_of
from ihas.serving.grouped.candidate_gates import candidate_gates
from ihas.serving.grouped.gather import Gather
from ihas.serving.grouped.item_arrays import Maker
from ihas.serving.grouped.item_overlay import ItemRows

GATES, EMBEDDED, PULLS, SUMS = "gates", "embedded", "pulls", "group-sums"


@dataclass(frozen=True)
class CandidateRoute:
    """Where candidates go.

    Attributes:
        group: int32 (rows,). The group.
        gates: bool (rows, N). Open gates; None where no group model reads them.
    """

    group: np.ndarray
    gates: np.ndarray | None


class ContextRoute(Protocol):
    """One context's part of the routing."""

    def route(self, items: ItemRows, positions: np.ndarray) -> CandidateRoute:
        """Routes of the context with items: int64 (rows,) positions of items."""


class CandidateRouting(Protocol):
    """A router in two parts.

    Attributes:
        multiply_adds: of a candidate's gates, where they are computed row by row.
    """

    multiply_adds: int

    @property
    def makers(self) -> Mapping[str, Maker]:
        """What must be known of every item."""

    def context(self, ids: np.ndarray) -> ContextRoute:
        """The part of one context: int32 (1, slots of the context fields)."""


def candidate_routing(router: AnyRouter, context: Sequence[int], items: Sequence[int], *, gated: bool) -> CandidateRouting:
    """The cheapest way to the same groups.

    Args:
        router: the bundle's.
        context: positions of the context fields, ascending.
        items: positions of the item fields, ascending.
        gated: whether a group model reads the gates.
    """
    if router.num_groups == 1 and not gated:
        return OneGroup()
    sums = None if (found := sums_of(router)) is None else SumRouting(found, context, items)
    if sums is not None and not gated:
        return sums
    if not isinstance(router, Router):
        raise ValueError("Models that read gates need a router with gates.")
    sides = Side(router, context), Side(router, items)
    if not gated and (router.on == "embedding" or all(side.gates is not None for side in sides)):
        return PullRouting(router, *sides)
    gates = GateRouting(router, *sides, gated=gated, alone=sums is not None or router.num_groups == 1)
    return gates if sums is None else GatedSumRouting(gates, sums)


class SumRouting:
    """The sums of the context's ids and of the item's are added."""

    multiply_adds = 0

    def __init__(self, router: AdditiveRouter, context: Sequence[int], items: Sequence[int]) -> None:
        self._bias, self._context, self._items = router.bias, router.side(context), router.side(items)

    @property
    def makers(self) -> Mapping[str, Maker]:
        """See `CandidateRouting.makers`."""
        return {SUMS: self._items.scores}

    def context(self, ids: np.ndarray) -> _ContextSums:
        """See `CandidateRouting.context`."""
        return _ContextSums(self._context.scores(ids) + self._bias)


@dataclass(frozen=True)
class _ContextSums:
    sums: np.ndarray

    def route(self, items: ItemRows, positions: np.ndarray) -> CandidateRoute:
        sums = items.take(SUMS, positions)
        sums += self.sums
        return CandidateRoute(best_group(sums), None)


class GatedSumRouting:
    """Sums say the group, and gates are computed for a model that reads them."""

    def __init__(self, gates: GateRouting, sums: SumRouting) -> None:
        self._gates, self._sums, self.multiply_adds = gates, sums, gates.multiply_adds

    @property
    def makers(self) -> Mapping[str, Maker]:
        """See `CandidateRouting.makers`."""
        return dict(self._gates.makers) | dict(self._sums.makers)

    def context(self, ids: np.ndarray) -> _ContextGatedSums:
        """See `CandidateRouting.context`."""
        return _ContextGatedSums(self._gates.context(ids), self._sums.context(ids))


@dataclass(frozen=True)
class _ContextGatedSums:
    gates: _ContextGates
    sums: _ContextSums

    def route(self, items: ItemRows, positions: np.ndarray) -> CandidateRoute:
        return CandidateRoute(self.sums.route(items, positions).group, self.gates.route(items, positions).gates)


class OneGroup:
    """Nothing to choose and no gates to read."""

    makers: Mapping[str, Maker] = {}
    multiply_adds = 0

    def context(self, ids: np.ndarray) -> OneGroup:  # noqa: ARG002
        """See `CandidateRouting.context`."""
        return self

    def route(self, items: ItemRows, positions: np.ndarray) -> CandidateRoute:  # noqa: ARG002
        """See `ContextRoute.route`."""
        return CandidateRoute(np.zeros(len(positions), np.int32), None)


class Side:
    """The context fields, or the item fields, of a router.

    Attributes:
        columns: int64. Their elements of the concatenated embedding.
        embed: their ids to their embedding, float32 (rows, len(columns)).
        centroids: float32 (num_groups, len(columns)). What points are multiplied by.
        gates: gates of these fields that read these fields alone; None where a gate sees other fields.
    """

    def __init__(self, router: Router, fields: Sequence[int]) -> None:
        mask = np.ones((router.layout.num_fields, router.dim), bool)
        self.columns = elements_of(fields, router.dim)
        self.embed = Gather(router.table.reshape(-1), mask, router.layout, fields)
        self.centroids = np.ascontiguousarray(_pulling(router)[:, self.columns])
        self.gates = router.gates.restrict(fields, router.dim)


class PullRouting:
    """-2 p . c_k of the item and of the context are added: no gate depends on both."""

    multiply_adds = 0

    def __init__(self, router: Router, context: Side, items: Side) -> None:
        self._router, self._context, self._items = router, context, items
        self._squares = (router.centroids * router.centroids).sum(axis=1)

    @property
    def makers(self) -> Mapping[str, Maker]:
        """See `CandidateRouting.makers`."""
        return {PULLS: lambda ids: self._pulls(self._items, ids)}

    def context(self, ids: np.ndarray) -> _ContextPulls:
        """See `CandidateRouting.context`."""
        return _ContextPulls(self._squares + self._pulls(self._context, ids))

    def _pulls(self, side: Side, ids: np.ndarray) -> np.ndarray:
        embedded = side.embed(ids)
        if self._router.on != "embedding" and side.gates is not None:
            embedded = _weights(side.gates.logits(embedded), embedded, self._router.on)
        return np.asarray(-2.0 * (embedded @ side.centroids.T), np.float32)


@dataclass(frozen=True)
class _ContextPulls:
    pulls: np.ndarray

    def route(self, items: ItemRows, positions: np.ndarray) -> CandidateRoute:
        pulls = items.take(PULLS, positions)
        pulls += self.pulls
        return CandidateRoute(pulls.argmin(axis=1).astype(np.int32), None)


class GateRouting:
    """Gates that see the whole row are computed for each candidate, and the product with the centroids after them.

    Columns here are in the order context, items.
    """

    def __init__(self, router: Router, context: Side, items: Side, *, gated: bool, alone: bool) -> None:
        self.on, self.context_side, self.item_side = router.on, context, items
        self.num_context = len(context.columns)
        self.squares = (router.centroids * router.centroids).sum(axis=1)
        self.alone = alone
        order = np.concatenate([context.columns, items.columns])
        self.gated, self.back = gated, None if (np.diff(order) > 0).all() else np.argsort(order)
        self.gates = candidate_gates(router.gates, context.columns, items.columns)
        self.multiply_adds = self.gates.multiply_adds

    @property
    def makers(self) -> Mapping[str, Maker]:
        """See `CandidateRouting.makers`."""
        makers: dict[str, Maker] = {GATES: lambda ids: self.gates.of_items(self.item_side.embed(ids))}
        return makers | ({EMBEDDED: self.item_side.embed} if self.on in ("masked", "embedding") and not self.alone else {})

    def context(self, ids: np.ndarray) -> _ContextGates:
        """See `CandidateRouting.context`."""
        embedded = self.context_side.embed(ids)
        return _ContextGates(self, embedded[0], self.gates.context(embedded))


@dataclass(frozen=True)
class _ContextGates:
    routing: GateRouting
    embedded: np.ndarray
    logits: Callable[[np.ndarray], np.ndarray]

    def route(self, items: ItemRows, positions: np.ndarray) -> CandidateRoute:
        routing = self.routing
        logits = self.logits(items.take(GATES, positions))
        opened = logits > 0.0
        gates = None if not routing.gated else opened if routing.back is None else np.ascontiguousarray(opened[:, routing.back])
        if routing.alone:
            return CandidateRoute(np.zeros(len(positions), np.int32), gates)
        np.copyto(logits, gate_activation(logits) if routing.on == "openness" else opened)
        return CandidateRoute(self._nearest(logits, items, positions), gates)

    def _nearest(self, gates: np.ndarray, items: ItemRows, positions: np.ndarray) -> np.ndarray:
        routing = self.routing
        context, own = routing.context_side.centroids.T, routing.item_side.centroids.T
        ours, theirs = gates[:, : routing.num_context], gates[:, routing.num_context :]
        if routing.on == "embedding":
            products = self.embedded @ context + items.take(EMBEDDED, positions) @ own
        elif routing.on != "masked":
            products = ours @ context + theirs @ own
        else:
            products = ours @ (self.embedded[:, None] * context) + np.multiply(items.take(EMBEDDED, positions), theirs, out=theirs) @ own
        return np.asarray((routing.squares - 2.0 * products).argmin(axis=1), np.int32)


def _pulling(router: Router) -> np.ndarray:
    """Centroids, float32 (num_groups, N): for `openness` their mean over each field, with which each gate's activation gives the
    product of the field's mean activation with the centroid."""
    if router.on != "openness":
        return router.centroids
    means = router.centroids.reshape(router.num_groups, -1, router.dim).mean(axis=2)
    return np.repeat(means, router.dim, axis=1)


def _weights(logits: np.ndarray, embedded: np.ndarray, on: PointsOf) -> np.ndarray:
    """What centroids' elements are multiplied by: float32 (rows, columns)."""
    return gate_activation(logits) if on == "openness" else points(embedded, logits, on, 1)
