"""What a bundle holds, as frozen values.

A bundle answers requests without TensorFlow: a router says which group a row belongs to, `model_of_group` which
model serves that group. A group model has its own embedding table, with only the kept dimensions, and a small ONNX
graph for the arithmetic above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ihas.bundle.calibration import Calibration
from ihas.bundle.reference import Reference
from ihas.data.encoder import Encoder
from ihas.data.item_table import ItemTable
from ihas.data.layout import FieldLayout
from ihas.data.schema import Schema
from ihas.data.user_table import UserTable
from ihas.routing.router import AnyRouter, embed


@dataclass(frozen=True)
class TwoSided:
    """A group model's arithmetic in two: sums over the fields, to which the context and each item add on their own, and the rest.

        sums = values @ kernel + bias
        sums[last] += sum_f first_order_f - |values|^2 / 2      the first term where the model has it, the second where `squares`
        logits = graph(sums)

    Attributes:
        kernel: float32 (kept dimensions, width). First kernels of the backbone side by side; batch normalisation is folded in.
        bias: float32 (width,).
        squares: whether the last sum has the second term.
        graph: ONNX model. Input `sums`, float32 (rows, width); output `logits`, float32 (rows,).
    """

    kernel: np.ndarray
    bias: np.ndarray
    squares: bool
    graph: bytes


@dataclass(frozen=True)
class ExportedModel:
    """One model that serves one or more groups.

    The graph's inputs are `values`, float32 (rows, kept dimensions): the kept dimensions of each field side by side,
    fields in order; and, where `first_order` is present, `first_order`, float32 (rows, num_fields). Its output is
    `logits`, float32 (rows,).

    Attributes:
        name: unique in the bundle.
        mask: bool (num_fields, dim). Dimensions that this model reads.
        gated: whether `values` is multiplied by the row's own gates z (only with a mask that is all true).
        table: float32 (sum over fields of vocabulary size * dimensions held,). Fields' tables, each row-major, end to end.
        first_order: float32 (num_rows,). A weight per table row, where the backbone has a linear part.
        graph: ONNX model.
        two_sided: the same arithmetic in two; None where the backbone does not begin with sums, or the model is gated.
        table_mask: bool (num_fields, dim). Dimensions that the table holds, for models that share one table; None where it is `mask`.
    """

    name: str
    mask: np.ndarray
    gated: bool
    table: np.ndarray
    first_order: np.ndarray | None
    graph: bytes
    two_sided: TwoSided | None = None
    table_mask: np.ndarray | None = None

    @property
    def held(self) -> np.ndarray:
        """Dimensions that the table holds: bool (num_fields, dim)."""
        return self.mask if self.table_mask is None else self.table_mask

    def field_tables(self, layout: FieldLayout) -> tuple[np.ndarray, ...]:
        """Each field's table, float32 (vocabulary size, dimensions held), as views."""
        tables, start = [], 0
        for size, held in zip(layout.vocabulary_sizes, self.held.sum(axis=1).tolist(), strict=True):
            tables.append(self.table[start : start + size * held].reshape(size, held))
            start += size * held
        return tuple(tables)


@dataclass(frozen=True)
class GoldenRows:
    """Rows with the answers they must get, before a bundle may serve.

    Attributes:
        ids: int32 (rows, num_slots).
        group: int32 (rows,).
        logits: float32 (rows,). Computed by TensorFlow at export.
    """

    ids: np.ndarray
    group: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class Fallback:
    """The shared model that serves a group whose own model fails its check.

    Attributes:
        model: its position in the bundle's models; no group's own.
        logits: float32 (golden rows,). What it gives the golden rows, of every group. Computed by TensorFlow at export.
    """

    model: int
    logits: np.ndarray


@dataclass(frozen=True)
class Tower:
    """Ids of one side's fields to a vector.

        e = [table[ids_f]]_f,   vector = relu(e W_0 + b_0) W_1 + b_1

    Attributes:
        layout: where the side's fields lie, counted within the side.
        table: float32 (rows of the side, dim).
        kernels: float32 (fields * dim, hidden), (hidden, width).
        biases: float32 (hidden,), (width,).
    """

    layout: FieldLayout
    table: np.ndarray
    kernels: tuple[np.ndarray, np.ndarray]
    biases: tuple[np.ndarray, np.ndarray]

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """int32 (rows, slots of the side), counted within the side -> float32 (rows, width)."""
        hidden = np.maximum(embed(ids, self.table, self.layout) @ self.kernels[0] + self.biases[0], 0.0)
        return np.asarray(hidden @ self.kernels[1] + self.biases[1])


@dataclass(frozen=True)
class Retrieval:
    """What chooses the items that are scored: those of which the vector's product with the context's is largest.

    Attributes:
        query: context fields to a vector.
        items: float32 (num_items, width). Vectors of the item table's items.
        golden: float32 (golden rows, width). Vectors of the golden rows' contexts.
    """

    query: Tower
    items: np.ndarray
    golden: np.ndarray


@dataclass(frozen=True)
class Task:
    """A further label that is answered beside the first one.

    Attributes:
        name: its column.
        model: position in the bundle's models of the one that scores it.
        golden: float32 (golden rows,). Its logits of the golden rows.
        calibration: from its logits to the log-odds that are answered; None where logits are.
    """

    name: str
    model: int
    golden: np.ndarray
    calibration: Calibration | None = None

    def answered(self, logits: np.ndarray) -> np.ndarray:
        """Log-odds that logits are answered with: float (rows,) -> float (rows,)."""
        return logits if self.calibration is None else self.calibration(logits)


@dataclass(frozen=True)
class Bundle:
    """A trained recommender as data.

    Attributes:
        name: model name.
        schema: columns, kinds, roles.
        encoder: raw values to ids.
        router: ids to group.
        models: the models that serve groups, and the fallback.
        model_of_group: for each group, the position in `models` of the one that serves it.
        items: the item table; None where the schema names no item id.
        golden: rows that must score as recorded.
        summary: what the run found: settings, chosen variant, metrics. JSON values only.
        retrieval: chooses the items that are scored; None where all can be.
        fallback: serves groups whose own model fails; None where one model serves all, or in bundles of an earlier version.
        reference: how the training rows were routed; None where one model serves all, or in bundles of an earlier version.
        calibration: from logits to the log-odds that are answered; None where logits are. Golden logits are those before it.
        users: the user table; None where the schema names no user id.
        tasks: further labels, in the order of the schema, which says how rows are ranked by all of them; only where one model serves all.
    """

    name: str
    schema: Schema
    encoder: Encoder
    router: AnyRouter
    models: tuple[ExportedModel, ...]
    model_of_group: tuple[int, ...]
    items: ItemTable | None
    golden: GoldenRows
    summary: dict[str, Any]
    retrieval: Retrieval | None = None
    fallback: Fallback | None = None
    reference: Reference | None = None
    calibration: Calibration | None = None
    users: UserTable | None = None
    tasks: tuple[Task, ...] = ()

    @property
    def dim(self) -> int:
        """Dimensions of a field's embedding before the search."""
        return int(self.models[0].mask.shape[1])

    def answered(self, logits: np.ndarray) -> np.ndarray:
        """Log-odds that logits are answered with: float (rows,) -> float (rows,)."""
        return logits if self.calibration is None else self.calibration(logits)

    @property
    def context_fields(self) -> list[int]:
        """Positions of the context fields, ascending."""
        return [number for number, field in enumerate(self.encoder.fields) if field.role == "context"]
