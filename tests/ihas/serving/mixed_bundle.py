"""A random bundle in which everything is mixed: roles interleaved, cells with several values, groups that keep different dimensions."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from ihas.bundle.values import Bundle, ExportedModel, GoldenRows
from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder, MultivaluedEncoder, NumericEncoder
from ihas.data.item_table import ItemTable
from ihas.data.schema import Field, Schema
from ihas.export.onnx_export import export_model
from ihas.gates.form import GateSize
from ihas.gates.registry import GATE_FORMS
from ihas.models.network import NetworkWeights, fresh_weights
from ihas.models.prediction import GroupModel
from ihas.routing.additive import AdditiveRouter, to_grid
from ihas.routing.router import Gates, PointsOf, Router, embed, points
from ihas.serving.grouped.recommender import GroupedRecommender

DIM = 3
MASKS = (
    np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], bool),
    np.array([[0, 0, 1], [1, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]], bool),
)
USERS = ("ada", "bob", "eve")
TAGS = ("new", "old", "odd")
ITEMS = tuple(f"m{number}" for number in range(12))


def mixed_bundle(kind: str, form: str, on: PointsOf, *, gated: bool = False, normalised: bool = False) -> Bundle:
    """A bundle of the backbone, exported as a run exports it."""
    encoder, rng = mixed_encoder(), np.random.default_rng(7)
    table = rng.normal(size=(encoder.layout.num_rows, DIM)).astype(np.float32)
    router = Router(encoder.layout, table, _gates(form, encoder.layout.num_fields, rng), np.zeros((2, 0), np.float32), on)
    embedded = embed(encoder.encode_rows([{"movie": movie, "user": user} for movie in ITEMS for user in USERS]), table, encoder.layout)
    around = points(embedded, router.gates.logits(embedded), on, DIM)
    centroids = np.stack([around[::2].mean(axis=0), around[rng.permutation(len(around))[:8]].mean(axis=0)]).astype(np.float32)
    return Bundle(
        name="mixed",
        schema=_schema(),
        encoder=encoder,
        router=dataclasses.replace(router, centroids=centroids),
        models=_paths(kind, encoder, rng, gated=gated, normalised=normalised),
        model_of_group=(0, 0) if gated else (0, 1),
        items=_items(encoder),
        golden=GoldenRows(np.zeros((0, encoder.layout.num_slots), np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)),
        summary={},
    )


def with_sums(bundle: Bundle, seed: int = 3) -> Bundle:
    """The bundle, its groups said by sums of random numbers; a router with gates only where a model reads them."""
    layout, rng = bundle.encoder.layout, np.random.default_rng(seed)
    groups = bundle.router.num_groups
    sums = AdditiveRouter(layout, to_grid(rng.normal(size=(layout.num_rows, groups))), rng.integers(-200, 200, groups).astype(np.int32))
    return dataclasses.replace(bundle, router=dataclasses.replace(bundle.router, sums=sums) if bundle.models[0].gated else sums)


def with_one_table(bundle: Bundle) -> Bundle:
    """The bundle, its models with one table of random numbers, which holds what either of them keeps."""
    layout, held = bundle.encoder.layout, MASKS[0] | MASKS[1]
    square = np.random.default_rng(5).normal(0.0, 0.5, (layout.num_rows, DIM)).astype(np.float32)

    def cut(kept: np.ndarray) -> np.ndarray:
        blocks = np.split(square, layout.first_rows[1:])
        return np.concatenate([block[:, own].ravel() for block, own in zip(blocks, kept, strict=True)])

    models = tuple(dataclasses.replace(model, table=cut(held), table_mask=held) for model in bundle.models)
    return dataclasses.replace(bundle, models=models)


def with_own_tables(bundle: Bundle) -> Bundle:
    """The bundle, each model with a table of the dimensions that it keeps alone."""
    layout = bundle.encoder.layout

    def own(model: ExportedModel) -> ExportedModel:
        fields = zip(model.field_tables(layout), model.mask, model.held, strict=True)
        table = np.concatenate([rows[:, mask[held]].ravel() for rows, mask, held in fields])
        return dataclasses.replace(model, table=table, table_mask=None)

    return dataclasses.replace(bundle, models=tuple(own(model) for model in bundle.models))


def with_golden_rows(bundle: Bundle) -> Bundle:
    """The bundle with golden rows, scored as it scores them in memory; without any it could not be written."""
    ids = bundle.encoder.encode_rows([{"movie": movie, "user": user} for movie in ITEMS[:3] for user in USERS])
    group, logits = GroupedRecommender(bundle).score_ids(ids)
    return dataclasses.replace(bundle, golden=GoldenRows(ids, group.astype(np.int32), logits.astype(np.float32)))


def contexts() -> list[dict[str, object]]:
    """Every kind of context: known, unknown and missing users, no tag, one, several, unknown ones, and hours."""
    cells = itertools.product((*USERS, "nobody", None), ([], ["new"], ["old", "odd"], ["none such"]), (7, 21.5, None))
    return [{"user": user, "tags": tags, "hour": hour} for user, tags, hour in cells]


def mixed_encoder() -> Encoder:
    """Five fields of three kinds, roles interleaved."""
    return Encoder(
        fields=(
            CategoricalEncoder(name="movie", role="item", values=ITEMS),
            CategoricalEncoder(name="user", role="context", values=USERS),
            MultivaluedEncoder(name="genres", role="item", values=("drama", "comedy", "noir"), slots=3, separator="|"),
            MultivaluedEncoder(name="tags", role="context", values=TAGS, slots=2, separator=None),
            NumericEncoder(name="hour", role="context", edges=(6.0, 12.0, 18.0)),
        )
    )


def _schema() -> Schema:
    return Schema(
        label="click",
        fields=(
            Field(name="movie", kind="categorical", role="item"),
            Field(name="user", kind="categorical"),
            Field(name="genres", kind="multivalued", role="item", separator="|"),
            Field(name="tags", kind="multivalued"),
            Field(name="hour", kind="numeric"),
        ),
        item_id="movie",
    )


def _items(encoder: Encoder) -> ItemTable:
    genres = itertools.cycle((["drama"], ["comedy", "noir"], [], ["drama", "comedy", "noir"]))
    rows = [{"movie": movie, "genres": genre} for movie, genre in zip(ITEMS, genres, strict=False)]
    popularity = np.random.default_rng(2).permutation(len(ITEMS)).astype(np.int32)
    return ItemTable(ITEMS, encoder.encode_rows(rows, ("movie", "genres")), popularity)


def _gates(form: str, num_fields: int, rng: np.random.Generator) -> Gates:
    width = num_fields * DIM
    shapes = GATE_FORMS[form].shapes(GateSize(num_fields, DIM, hidden=4))
    kernels = tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes.kernels)
    biases = tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes.biases)
    return Gates(form, rng.normal(size=width).astype(np.float32), rng.uniform(0.5, 2.0, width).astype(np.float32), kernels, biases)


def _paths(kind: str, encoder: Encoder, rng: np.random.Generator, *, gated: bool, normalised: bool) -> tuple[ExportedModel, ...]:
    backbone = BackboneConfig(kind=kind, hidden=(6, 4), batch_norm=normalised)  # type: ignore[arg-type]  # names of the registry
    config = LearningConfig(backbone=backbone, training=TrainingConfig(embedding_dim=DIM))
    paths = []
    for number, mask in enumerate((np.ones_like(MASKS[0]),) if gated else MASKS):
        fresh = fresh_weights(encoder.layout, config, rng)
        weights = {name: np.abs(rng.normal(0.0, 0.5, value.shape)).astype(np.float32) for name, value in fresh.backbone.items()}
        weights |= {
            name: value * rng.choice([-1.0, 1.0], value.shape).astype(np.float32) for name, value in weights.items() if "kernel" in name
        }
        table = rng.normal(0.0, 0.5, fresh.table.shape).astype(np.float32)
        model = GroupModel(f"group-{number}", NetworkWeights(table, weights), mask)
        paths.append(export_model(f"group-{number}", model, encoder.layout, config, gated=gated))
    return tuple(paths)
