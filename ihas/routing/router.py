"""From ids to a group: embed, standardise, open gates, nearest centroid.

    e = [table[ids_f]]_f            in R^N, N = num_fields * dim; a multi-valued cell is the mean of its values
    v = (e - mean) / scale          standardised embedding
    a = logits(v)                   gate logits, which the form of gate decides (ihas/gates)
    z = 1[a > 0]                    deterministic gates
    o = 1/2 + clip(a, -4, 4) / 8    gate activation, in [0, 1]
    p = e * z, z, or the mean of o over each field's dimensions: the point that was clustered
    g = argmin_k ||p - c_k||        nearest centroid

The clustering stage and the serving process call these very functions, so a row cannot be routed in two ways.
NumPy only: nothing here imports TensorFlow. Source: iHAS (Yu et al., CIKM 2023), figure 1; gate form and
standardisation are our choice (docs/methods/ihas.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ihas.data.layout import PADDING, FieldLayout
from ihas.gates.form import elements_of
from ihas.gates.registry import GATE_FORMS
from ihas.routing.additive import AdditiveRouter
from ihas.routing.route import Route, without

PointsOf = Literal["masked", "mask", "openness", "embedding", "values"]
REACH = 4.0  # of a gate's logit: what lies beyond is as good as open or closed


def embed(ids: np.ndarray, table: np.ndarray, layout: FieldLayout) -> np.ndarray:
    """Embedding of each field, concatenated.

    Args:
        ids: int32 (rows, num_slots). Rows of the table; -1 is padding.
        table: float32 (num_rows, dim).
        layout: where the fields lie.

    Returns:
        float32 (rows, num_fields * dim).
    """
    rows, dim = ids.shape[0], table.shape[1]
    if layout.single_valued:
        return np.asarray(table.take(ids, axis=0).reshape(rows, layout.num_fields * dim))
    present = ids != PADDING
    gathered = table.take(np.where(present, ids, 0), axis=0) * present[..., None]  # (rows, num_slots, dim)
    sums = np.add.reduceat(gathered, layout.first_slots, axis=1)  # (rows, num_fields, dim)
    counts = np.add.reduceat(present, layout.first_slots, axis=1, dtype=np.float32)
    return (sums / np.maximum(counts, 1.0)[..., None]).reshape(rows, layout.num_fields * dim).astype(np.float32)


@dataclass(frozen=True)
class Gates:
    """Learnt gates, ready to be read deterministically.

    Attributes:
        form: name of the form of gate in `ihas.gates.registry`.
        mean: float32 (N,). Standardisation of e: subtracted.
        scale: float32 (N,). Standardisation of e: divided by.
        kernels, biases: float32. Parameters, of the shapes that the form says.
    """

    form: str
    mean: np.ndarray
    scale: np.ndarray
    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def logits(self, embedded: np.ndarray) -> np.ndarray:
        """Gate logits a of embedded rows: float32 (rows, N) -> (rows, N)."""
        return GATE_FORMS[self.form].logits((embedded - self.mean) / self.scale, self.kernels, self.biases)

    def open(self, embedded: np.ndarray) -> np.ndarray:
        """Deterministic gates z of embedded rows: float32 (rows, N) -> bool (rows, N)."""
        return self.logits(embedded) > 0.0

    def restrict(self, fields: Sequence[int], dim: int) -> Gates | None:
        """The gates of some fields, of `dim` elements each, which read these fields alone; None where a gate sees other fields."""
        parameters = GATE_FORMS[self.form].restrict(self.kernels, self.biases, fields, dim)
        columns = elements_of(fields, dim)
        return None if parameters is None else Gates(self.form, self.mean[columns], self.scale[columns], *parameters)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one row: standardisation, then what the form counts."""
        return self.mean.size + GATE_FORMS[self.form].multiply_adds(self.kernels)


def open_gates(num_fields: int, dim: int) -> Gates:
    """Gates of `num_fields * dim` elements that are open for every row."""
    width = num_fields * dim
    kernels = (np.zeros((num_fields, dim, dim), np.float32),)
    return Gates("field", np.zeros(width, np.float32), np.ones(width, np.float32), kernels, (np.ones(width, np.float32),))


def gate_activation(logits: np.ndarray) -> np.ndarray:
    """1/2 + clip(a, -4, 4) / 8: activation of gates, in [0, 1], of logits float32, any shape. Our choice."""
    return np.asarray(0.5 + np.clip(logits, -REACH, REACH) / np.float32(2.0 * REACH))


def points(embedded: np.ndarray, logits: np.ndarray, on: PointsOf, dim: int) -> np.ndarray:
    """What is clustered: embedding and gate logits, float32 (rows, N) each -> float32 (rows, N).

    `masked` is e * z (the paper's figure 1), `mask` and `values`, whose centroids are means over rows of some values, are z, `embedding`
    is e; `openness` is the mean gate activation of a field in
    each of the field's `dim` places: gates that nothing holds open or closed, and which fall now so, now so, hardly move it.
    """
    if on == "embedding":
        return embedded
    if on == "openness":
        means = gate_activation(logits).reshape(len(logits), -1, dim).mean(axis=2)
        return np.repeat(means, dim, axis=1)
    return (logits > 0.0).astype(np.float32) if on in ("mask", "values") else embedded * (logits > 0.0)


def nearest(points: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centroid of each point; ties go to the lower number.

    Args:
        points: float32 (rows, N).
        centroids: float32 (num_groups, N).

    Returns:
        distances: float32 (rows, num_groups), Euclidean; group: int32 (rows,).
    """
    squares = (points * points).sum(axis=1)[:, None] - 2.0 * (points @ centroids.T) + (centroids * centroids).sum(axis=1)
    distances = np.sqrt(np.maximum(squares, 0.0))
    return distances, distances.argmin(axis=1).astype(np.int32)


@dataclass(frozen=True)
class Router:
    """Everything needed to open a row's gates and to send it to its group.

    Attributes:
        layout: where the fields lie.
        table: float32 (num_rows, dim). Embedding table of the search.
        gates: the learnt gates.
        centroids: float32 (num_groups, N).
        on: what the centroids are centroids of.
        sums: says the group in place of the nearest centroid, where a model that reads gates serves groups by sums; else None.
    """

    layout: FieldLayout
    table: np.ndarray
    gates: Gates
    centroids: np.ndarray
    on: PointsOf = "masked"
    sums: AdditiveRouter | None = None

    @property
    def dim(self) -> int:
        """Dimensions of a field's embedding."""
        return int(self.table.shape[1])

    @property
    def num_groups(self) -> int:
        """Groups."""
        return int(self.centroids.shape[0])

    def route(self, ids: np.ndarray) -> Route:
        """Group of each row: ids int32 (rows, num_slots)."""
        embedded = embed(ids, self.table, self.layout)
        logits = self.gates.logits(embedded)
        if self.sums is not None:
            return replace(self.sums.route(ids), gates=logits > 0.0)
        distances, group = nearest(points(embedded, logits, self.on, self.dim), self.centroids)
        return Route(group, logits > 0.0, distances, without(len(ids), np.int32))


AnyRouter = Router | AdditiveRouter
"""What a bundle routes with: one without gates, where no model reads them."""


def sums_of(router: AnyRouter) -> AdditiveRouter | None:
    """The sums that say the group; None where the nearest centroid does."""
    return router if isinstance(router, AdditiveRouter) else router.sums
