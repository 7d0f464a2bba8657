"""Bundles of any size with random weights: what a score costs does not depend on what was learnt."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ihas.bundle.values import Bundle, ExportedModel, GoldenRows
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder
from ihas.data.item_table import ItemTable
from ihas.data.layout import FieldLayout
from ihas.data.schema import Field, Schema
from ihas.gates.form import GateSize
from ihas.gates.registry import GATE_FORMS
from ihas.models.two_sided import deep_two_sided
from ihas.models.two_sided_graph import SumsGraph
from ihas.routing.additive import AdditiveRouter, to_grid
from ihas.routing.router import Gates, PointsOf, Router
from ihas.serving.grouped.recommender import GroupedRecommender

GOLDEN_ROWS = 16
GATE_HIDDEN = 32
Kernels = list[tuple[Any, Any]]
ITEM = "item"


@dataclass(frozen=True)
class BundleShape:
    """How large a bundle is, and what it must do for a row.

    Attributes:
        hidden: units of the hidden layers.
        num_fields: fields, the first half the context's, the rest the item's; the first of each half is its id.
        num_users: values of the context's id.
        num_items: values of the item's id, and rows of the item table.
        num_values: values of every other field.
        dim: dimensions of a field's embedding.
        num_groups: groups, each with a path of its own; 1 for a plain model.
        gated: whether the one path reads the row's gates (the supernet).
        kept: share of the dimensions that each group's mask keeps.
        gate_form: form of the router's gates.
        on: what the groups are nearest in.
        with_items: whether there is an item table.
        sums: whether sums of numbers per id say the group, in place of gates and centroids.
    """

    hidden: tuple[int, ...] = (64, 32)
    num_fields: int = 26
    num_users: int = 100_000
    num_items: int = 20_000
    num_values: int = 1_000
    dim: int = 16
    num_groups: int = 1
    gated: bool = False
    kept: float = 0.7
    gate_form: str = "full"
    on: PointsOf = "masked"
    with_items: bool = True
    sums: bool = False


def random_bundle(shape: BundleShape, seed: int = 0, name: str = "bench") -> Bundle:
    """A verified bundle of that shape; its golden rows are scored by the bundle itself, whole row by whole row."""
    rng = np.random.default_rng(seed)
    encoder = Encoder(fields=tuple(_field(shape, number) for number in range(shape.num_fields)))
    layout = encoder.layout
    table = rng.normal(0.0, 0.3, (layout.num_rows, shape.dim)).astype(np.float32)
    masks = [_mask(shape, rng) for _ in range(shape.num_groups)] if not shape.gated else [np.ones((shape.num_fields, shape.dim), bool)]
    paths = tuple(_path(f"path-{number}", mask, table, encoder, shape, rng) for number, mask in enumerate(masks))
    router = Router(layout, table, _gates(shape, rng), _centroids(shape, rng), shape.on)
    draft = Bundle(
        name=name,
        schema=_schema(shape),
        encoder=encoder,
        router=_sums(layout, shape, rng) if shape.sums else router,
        models=paths,
        model_of_group=tuple(0 if shape.gated else group for group in range(shape.num_groups)),
        items=_items(shape, encoder, rng) if shape.with_items else None,
        golden=GoldenRows(np.zeros((0, layout.num_slots), np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)),
        summary={},
    )
    return dataclasses.replace(draft, golden=_golden(draft, rng))


def _sums(layout: FieldLayout, shape: BundleShape, rng: np.random.Generator) -> AdditiveRouter:
    weights = to_grid(rng.normal(0.0, 0.5, (layout.num_rows, shape.num_groups)))
    return AdditiveRouter(layout, weights, np.zeros(shape.num_groups, np.int32))


def kernels_of(path: ExportedModel) -> Kernels:
    """Kernel and bias of each layer, read back from a random bundle's graph."""
    arrays = [numpy_helper.to_array(one) for one in onnx.load_from_string(path.graph).graph.initializer]
    layers: Sequence[np.ndarray] = [array for array in arrays if array.dtype == np.float32]
    return list(zip(layers[::2], layers[1::2], strict=True))


def random_ids(bundle: Bundle, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of known values: int32 (rows, num_slots)."""
    layout = bundle.encoder.layout
    return np.stack(
        [rng.integers(first + 2, first + size, rows) for first, size in zip(layout.first_rows, layout.vocabulary_sizes, strict=True)],
        axis=1,
    ).astype(np.int32)


def row_of(bundle: Bundle, ids: np.ndarray) -> dict[str, str]:
    """The values that a row's ids stand for: int32 (num_slots,)."""
    return {name: bundle.encoder.decode(name, int(row)) for name, row in zip(bundle.encoder.layout.names, ids, strict=True)}


def context_of(bundle: Bundle, row: dict[str, str]) -> dict[str, str]:
    """The context's values of a row."""
    return {name: row[name] for name in bundle.encoder.names_of("context")}


def _names(shape: BundleShape) -> list[tuple[str, int]]:
    """Every field with its number of values."""
    half = shape.num_fields // 2
    context = [("user", shape.num_users), *((f"context-{i}", shape.num_values) for i in range(1, half))]
    return context + [(ITEM, shape.num_items), *((f"item-{i}", shape.num_values) for i in range(1, shape.num_fields - half))]


def _field(shape: BundleShape, number: int) -> CategoricalEncoder:
    name, values = _names(shape)[number]
    return CategoricalEncoder(
        name=name, role="context" if number < shape.num_fields // 2 else "item", values=tuple(f"{name}-{value}" for value in range(values))
    )


def _schema(shape: BundleShape) -> Schema:
    half = shape.num_fields // 2
    fields = tuple(
        Field(name=name, kind="categorical", role="context" if number < half else "item") for number, (name, _) in enumerate(_names(shape))
    )
    return Schema(label="click", fields=fields, item_id=ITEM if shape.with_items else None)


def _mask(shape: BundleShape, rng: np.random.Generator) -> np.ndarray:
    if shape.num_groups == 1:
        return np.ones((shape.num_fields, shape.dim), bool)
    mask = rng.random((shape.num_fields, shape.dim)) < shape.kept
    mask[0, 0] = True
    return mask


def _gates(shape: BundleShape, rng: np.random.Generator) -> Gates:
    form = "field" if shape.num_groups == 1 and not shape.gated else shape.gate_form
    size = GateSize(shape.num_fields, shape.dim, GATE_HIDDEN)
    shapes, width = GATE_FORMS[form].shapes(size), size.width
    kernels = tuple(rng.normal(0.0, 0.1, one).astype(np.float32) for one in shapes.kernels)
    biases = tuple(np.full(one, 0.5, np.float32) for one in shapes.biases)
    scale = rng.uniform(0.2, 0.4, width).astype(np.float32)
    return Gates(form, rng.normal(0.0, 0.05, width).astype(np.float32), scale, kernels, biases)


def _centroids(shape: BundleShape, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0.0, 0.3, (shape.num_groups, shape.num_fields * shape.dim)).astype(np.float32)


def _path(name: str, mask: np.ndarray, table: np.ndarray, encoder: Encoder, shape: BundleShape, rng: np.random.Generator) -> ExportedModel:
    weights: dict[str, np.ndarray] = {}
    widths = (int(mask.sum()), *shape.hidden, 1)
    for number, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
        layer = "output" if number == len(shape.hidden) else f"hidden_{number}"
        weights[f"{layer}/kernel"] = rng.normal(0.0, np.sqrt(2.0 / before), (before, after)).astype(np.float32)
        weights[f"{layer}/bias"] = rng.normal(0.0, 0.1, after).astype(np.float32)
    graph = SumsGraph(widths[0], "values")
    hidden = graph.hidden(graph.dense("values", weights["hidden_0/kernel"], weights["hidden_0/bias"]), weights, "")
    logits = graph.dense(hidden, weights["output/kernel"], weights["output/bias"])
    blocks = np.split(table, encoder.layout.first_rows[1:])
    return ExportedModel(
        name=name,
        mask=mask,
        gated=shape.gated,
        table=np.concatenate([block[:, kept].ravel() for block, kept in zip(blocks, mask, strict=True)]),
        first_order=None,
        graph=graph.finish(logits),
        two_sided=None if shape.gated else deep_two_sided(weights),
    )


def _items(shape: BundleShape, encoder: Encoder, rng: np.random.Generator) -> ItemTable:
    layout = encoder.layout
    first, half = layout.first_rows, shape.num_fields // 2
    columns = [first[half] + 2 + np.arange(shape.num_items)]
    columns += [rng.integers(first[f] + 2, first[f] + 2 + shape.num_values, shape.num_items) for f in range(half + 1, shape.num_fields)]
    names = tuple(f"{ITEM}-{number}" for number in range(shape.num_items))
    return ItemTable(names, np.stack(columns, axis=1).astype(np.int32), rng.integers(1, 1_000, shape.num_items).astype(np.int32))


def _golden(bundle: Bundle, rng: np.random.Generator) -> GoldenRows:
    ids = random_ids(bundle, GOLDEN_ROWS, rng)
    scored = GroupedRecommender(
        dataclasses.replace(bundle, items=None, schema=bundle.schema.model_copy(update={"item_id": None}))
    ).model.score(ids)
    return GoldenRows(ids, scored.group, scored.logits)
