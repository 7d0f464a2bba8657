"""A bundle small enough to work out by hand.

Fields: `user` (context), `genres` (item, two slots), `movie` (item id). Gates open where the router's embedding is above 0;
only users have such embeddings, (2, 0) for ada and (0, 2) for bob, so ada is in group 0 and bob in group 1.

    logit of group 0 = user + mean of genres + first of movie - second of movie + 0.5
    logit of group 1 = user - movie

| | m1 (drama, comedy) | m2 (comedy) | m3 (no genre) |
|---|---|---|---|
| ada | 1 + 2 + 1 - 0 + 0.5 = 4.5 | 1 + 3 + 0 - 1 + 0.5 = 3.5 | 1 + 0 + 1 - 1 + 0.5 = 1.5 |
| bob | 2 - 1 = 1 | 2 - 2 = 0 | 2 - 3 = -1 |
"""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ihas.bundle.calibration import Calibration
from ihas.bundle.values import Bundle, ExportedModel, GoldenRows, Task
from ihas.config.tasks import TaskColumn
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder, MultivaluedEncoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Field, Schema
from ihas.data.user_table import UserTable
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import Gates, Router, open_gates

LOGITS = {"ada": {"m1": 4.5, "m2": 3.5, "m3": 1.5}, "bob": {"m1": 1.0, "m2": 0.0, "m3": -1.0}}
GROUPS = {"ada": 0, "bob": 1}
GENRES = {"m1": "drama|comedy", "m2": "comedy", "m3": None}


def small_bundle(name: str = "films") -> Bundle:
    """The bundle above."""
    encoder = _encoder()
    return Bundle(
        name=name,
        schema=_schema(),
        encoder=encoder,
        router=_router(encoder),
        models=_paths(),
        model_of_group=(0, 1),
        items=_items(encoder),
        golden=_golden(encoder),
        summary={"chosen": "grouped", "learning": {"seed": 0}},
    )


def summed_bundle(name: str = "films") -> Bundle:
    """The bundle above, its groups said by sums of these numbers of group 0 and 1, in grid units; what is not listed has 0.

    | bias | ada | bob | drama | comedy | m2 | m3 |
    |---|---|---|---|---|---|---|
    | 0, 64 | 1024, -1024 | -1024, 1024 | 257, -256 | -100, 101 | 10, 0 | -10, 0 |

    m1's genres are 78.5 and -77.5 on average, so 79 and -77. Sums: ada 1103, -1037; 934, -859; 1014, -960; bob -945, 1011; -1114, 1189;
    -1034, 1088. Without numbers, 0 and 64.
    """
    bundle = small_bundle(name)
    weights = np.zeros((bundle.encoder.layout.num_rows, 2), np.int16)
    weights[[2, 3, 6, 7, 11, 12]] = [(1024, -1024), (-1024, 1024), (257, -256), (-100, 101), (10, 0), (-10, 0)]
    return dataclasses.replace(bundle, router=AdditiveRouter(bundle.encoder.layout, weights, np.array([0, 64], np.int32)))


def bundle_with_users(name: str = "films") -> Bundle:
    """The bundle above, which knows its users: ada has clicked m1 and m3, bob nothing."""
    bundle = small_bundle(name)
    users = UserTable(("ada", "bob"), {}, np.array([0, 2, 2], np.int64), np.array([0, 2], np.int32))
    return dataclasses.replace(bundle, schema=bundle.schema.model_copy(update={"user_id": "user"}), users=users)


def bundle_with_towns(name: str = "films") -> Bundle:
    """The bundle above with a context field `town` that no model reads; ada is known to live in Ulm."""
    bundle = bundle_with_users(name)
    encoder = Encoder(fields=(*bundle.encoder.fields, CategoricalEncoder(name="town", role="context", values=("Bonn", "Ulm"))))
    table = np.vstack([_router(bundle.encoder).table, np.full((4, 2), -1, np.float32)])
    zeros, centroids = np.zeros(8, np.float32), np.array([[2, 0] + [0] * 6, [0, 2] + [0] * 6], np.float32)
    gates = Gates("full", zeros, np.ones(8, np.float32), (np.eye(8, dtype=np.float32),), (zeros,))
    assert bundle.users is not None
    fields = (*bundle.schema.fields, Field(name="town", kind="categorical"))
    return dataclasses.replace(
        bundle,
        schema=bundle.schema.model_copy(update={"fields": fields, "user": ("town",)}),
        encoder=encoder,
        router=Router(encoder.layout, table, gates, centroids),
        models=tuple(dataclasses.replace(one, mask=np.vstack([one.mask, [[False, False]]])) for one in bundle.models),
        golden=dataclasses.replace(bundle.golden, ids=encoder.encode_rows([{**row, "town": None} for row in rows()])),
        users=dataclasses.replace(bundle.users, values={"town": FieldValues.single(("Ulm",), np.array([0, -1]))}),
    )


def bundle_with_tasks(name: str = "films") -> Bundle:
    """The model of group 0 above for all rows, which says a click, and beside it a purchase, of the same table:

        logit of a purchase = 2 * second of movie - user - 0.5, answered with half of it

    Rows are ranked by p(click) p(bought)^2.

    | | m1 | m2 | m3 |
    |---|---|---|---|
    | ada | 4.5 and -1.5 | 3.5 and 0.5 | 1.5 and 0.5 |
    | bob | 5.5 and -2.5 | 4.5 and -0.5 | 2.5 and -0.5 |
    """
    bundle = small_bundle(name)
    click = dataclasses.replace(bundle.models[0], name="base")
    bought = dataclasses.replace(click, name="task-1", graph=linear_graph(np.array([-1, 0, 0, 2]), -0.5))
    router = Router(bundle.encoder.layout, _router(bundle.encoder).table, open_gates(3, 2), np.zeros((1, 6), np.float32))
    logits = np.array([pair for movies in TASKS.values() for pair in movies.values()], np.float32)
    task = Task("bought", 1, logits[:, 1].copy(), Calibration(np.array([-30.0, 30.0]), np.array([-15.0, 15.0])))
    return dataclasses.replace(
        bundle,
        schema=bundle.schema.model_copy(update={"tasks": {"bought": TaskColumn(exponent=2.0)}}),
        router=router,
        models=(click, bought),
        model_of_group=(0,),
        golden=dataclasses.replace(bundle.golden, group=np.zeros(6, np.int32), logits=logits[:, 0].copy()),
        tasks=(task,),
    )


TASKS = {
    "ada": {"m1": (4.5, -1.5), "m2": (3.5, 0.5), "m3": (1.5, 0.5)},
    "bob": {"m1": (5.5, -2.5), "m2": (4.5, -0.5), "m3": (2.5, -0.5)},
}
"""Logits of a click and of a purchase of the bundle above, by user and movie."""
SUMS = {"ada": [(1103, -1037), (934, -859), (1014, -960)], "bob": [(-945, 1011), (-1114, 1189), (-1034, 1088)]}
"""Sums of the bundle above, by user and movie."""


def rows() -> list[dict[str, str | None]]:
    """Every user with every movie, users first: the order of `LOGITS`."""
    return [{"user": user, "genres": GENRES[movie], "movie": movie} for user in LOGITS for movie in LOGITS[user]]


def linear_graph(weights: np.ndarray, bias: float, first_order: bool = False) -> bytes:
    """ONNX graph of logits = values @ weights + bias, plus the sum of `first_order` where there is one."""
    scalar = numpy_helper.from_array(np.array([bias], np.float32), "bias")
    initializers = [numpy_helper.from_array(weights.astype(np.float32)[:, None], "weights"), scalar]
    inputs = [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["rows", len(weights)])]
    nodes = [helper.make_node("Gemm", ["values", "weights", "bias"], ["column"])]
    last = "column"
    if first_order:
        inputs.append(helper.make_tensor_value_info("first_order", TensorProto.FLOAT, ["rows", "fields"]))
        initializers.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
        nodes.append(helper.make_node("ReduceSum", ["first_order", "axis"], ["linear"], keepdims=1))
        nodes.append(helper.make_node("Add", ["column", "linear"], ["sum"]))
        last = "sum"
    initializers.append(numpy_helper.from_array(np.array([-1], np.int64), "flat"))
    nodes.append(helper.make_node("Reshape", [last, "flat"], ["logits"]))
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows"])]
    graph = helper.make_graph(nodes, "linear", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _schema() -> Schema:
    return Schema(
        label="click",
        fields=(
            Field(name="user", kind="categorical"),
            Field(name="genres", kind="multivalued", role="item", separator="|"),
            Field(name="movie", kind="categorical", role="item"),
        ),
        item_id="movie",
    )


def _encoder() -> Encoder:
    return Encoder(
        fields=(
            CategoricalEncoder(name="user", role="context", values=("ada", "bob")),
            MultivaluedEncoder(name="genres", role="item", values=("drama", "comedy"), slots=2, separator="|"),
            CategoricalEncoder(name="movie", role="item", values=("m1", "m2", "m3")),
        )
    )


def _router(encoder: Encoder) -> Router:
    users = [[-1, 1], [1, -1], [2, -1], [-1, 2]]  # unknown, missing, ada, bob
    table = np.array(users + [[-1, -1]] * 4 + [[-2, -2]] * 5, np.float32)
    zeros, ones = np.zeros(6, np.float32), np.ones(6, np.float32)
    centroids = np.array([[2, 0, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]], np.float32)
    return Router(encoder.layout, table, Gates("full", zeros, ones, (np.eye(6, dtype=np.float32),), (zeros,)), centroids)


def _paths() -> tuple[ExportedModel, ...]:
    users, genres, movies = [0, 0.5, 1, 2], [0, 0, 1, 3], [0, 0, 0, 0, 1, 0, 0, 1, 1, 1]
    first = ExportedModel(
        name="group-0",
        mask=np.array([[1, 0], [1, 0], [1, 1]], bool),
        gated=False,
        table=np.array(users + genres + movies, np.float32),
        first_order=None,
        graph=linear_graph(np.array([1, 1, 1, -1]), 0.5),
    )
    second = ExportedModel(
        name="group-1",
        mask=np.array([[0, 1], [0, 0], [1, 0]], bool),
        gated=False,
        table=np.array([0, 0, 1, 2] + [0, 0, 1, 2, 3], np.float32),
        first_order=None,
        graph=linear_graph(np.array([1, -1]), 0.0),
    )
    return first, second


def _items(encoder: Encoder) -> ItemTable:
    cells = [{"genres": genres, "movie": movie} for movie, genres in GENRES.items()]
    genres = FieldValues(("drama", "comedy"), np.array([0, 2, 3, 3]), np.array([0, 1, 1], np.int32), multivalued=True)
    ids = encoder.encode_rows(cells, ("genres", "movie"))
    return ItemTable(tuple(GENRES), ids, np.array([5, 9, 7], np.int32), {"genres": genres})


def _golden(encoder: Encoder) -> GoldenRows:
    logits = [logit for movies in LOGITS.values() for logit in movies.values()]
    groups = [GROUPS[user] for user in LOGITS for _ in LOGITS[user]]
    return GoldenRows(encoder.encode_rows(rows()), np.array(groups, np.int32), np.array(logits, np.float32))
