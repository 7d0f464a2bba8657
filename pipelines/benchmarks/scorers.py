"""Other ways to score whole rows with a bundle's weights: what serving is measured against.

Each takes int32 (rows, num_slots) and gives float32 (rows,). TensorFlow is imported where it is used, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ihas.bundle.values import Bundle, ExportedModel
from ihas.gates.registry import GATE_FORMS
from ihas.routing.router import Router
from ihas.serving.grouped.model import GroupedModel
from ihas_pipelines.benchmarks.bundles import Kernels, kernels_of

Scorer = Callable[[np.ndarray], np.ndarray]


def onnx_runtime(bundle: Bundle) -> Scorer:
    """The bundle's own graphs on whole rows: gather, route, run."""
    model = GroupedModel(bundle)
    return lambda ids: model.logits(ids)[1]


def tf_function(bundle: Bundle) -> Scorer:
    """One graph of TensorFlow from ids to logits: gates, nearest group and paths where the bundle has them."""
    from ihas.legacy_keras import tf

    score = _whole_graph(bundle, tf)
    signature = [tf.TensorSpec([None, bundle.encoder.layout.num_slots], tf.int32)]
    concrete = tf.function(score, autograph=False, input_signature=signature).get_concrete_function()
    return lambda ids: np.asarray(concrete(tf.constant(ids)).numpy())


def keras_model(bundle: Bundle) -> Scorer:
    """A Keras model called as a function; for a bundle with one ungated path."""
    from ihas.legacy_keras import keras

    kernels, layout = kernels_of(bundle.models[0]), bundle.encoder.layout
    table = bundle.models[0].table.reshape(layout.num_rows, -1)
    ids = keras.Input([layout.num_slots], dtype="int32")
    values = keras.layers.Flatten()(keras.layers.Embedding(*table.shape, name="table")(ids))
    for number, (kernel, _) in enumerate(kernels):
        last = number == len(kernels) - 1
        values = keras.layers.Dense(kernel.shape[1], activation=None if last else "relu", name=f"layer-{number}")(values)
    model = keras.Model(ids, values)
    model.get_layer("table").set_weights([table])
    for number, (kernel, bias) in enumerate(kernels):
        model.get_layer(f"layer-{number}").set_weights([kernel, bias])
    return lambda rows: np.asarray(model(rows, training=False))[:, 0]


SCORERS: Mapping[str, Callable[[Bundle], Scorer]] = {"onnxruntime": onnx_runtime, "tf.function": tf_function, "keras": keras_model}


def _with_gates(bundle: Bundle) -> Router:
    """The bundle's router, which must open gates and look for the nearest centroid."""
    if not isinstance(bundle.router, Router) or bundle.router.sums is not None:
        raise ValueError("One graph of TensorFlow routes by the nearest centroid only. Measure a bundle without `sums`.")
    return bundle.router


def _whole_graph(bundle: Bundle, tf: Any) -> Callable[[Any], Any]:
    router, paths = _with_gates(bundle), [_path_graph(path, bundle, tf) for path in bundle.models]
    table, centroids = tf.constant(router.table), tf.constant(router.centroids)
    open_gates = _gates(bundle, tf)

    def score(ids: Any) -> Any:
        if router.num_groups == 1 and not bundle.models[0].gated:
            return paths[0](ids, None)
        embedded = tf.reshape(tf.gather(table, ids), [-1, centroids.shape[1]])
        gates = open_gates(embedded)
        if bundle.models[0].gated:
            return paths[0](ids, gates)
        points = embedded * gates
        group = tf.argmin(tf.reduce_sum(centroids * centroids, axis=1) - 2.0 * tf.matmul(points, centroids, transpose_b=True), axis=1)
        parts = tf.dynamic_partition(ids, tf.cast(group, tf.int32), len(paths))
        places = tf.dynamic_partition(tf.range(tf.shape(ids)[0]), tf.cast(group, tf.int32), len(paths))
        return tf.dynamic_stitch(places, [path(part, None) for path, part in zip(paths, parts, strict=True)])

    return score


def _gates(bundle: Bundle, tf: Any) -> Callable[[Any], Any]:
    gates = _with_gates(bundle).gates
    form, mean, scale = GATE_FORMS[gates.form], tf.constant(gates.mean), tf.constant(gates.scale)
    kernels, biases = ([tf.constant(array) for array in arrays] for arrays in (gates.kernels, gates.biases))
    return lambda embedded: tf.cast(form.tensor_logits(tf, (embedded - mean) / scale, kernels, biases) > 0.0, tf.float32)


def _path_graph(path: ExportedModel, bundle: Bundle, tf: Any) -> Callable[[Any, Any], Any]:
    layout = bundle.encoder.layout
    tables = [tf.constant(table) for table in path.field_tables(layout)] if not path.mask.all() else []
    square = tf.constant(path.table.reshape(layout.num_rows, -1)) if path.mask.all() else None
    kernels: Kernels = [(tf.constant(kernel), tf.constant(bias)) for kernel, bias in kernels_of(path)]

    def score(ids: Any, gates: Any) -> Any:
        if square is not None:
            values = tf.reshape(tf.gather(square, ids), [-1, path.mask.size])
        else:
            values = tf.concat([tf.gather(table, ids[:, f] - layout.first_rows[f]) for f, table in enumerate(tables)], axis=1)
        values = values if gates is None else values * gates
        for number, (kernel, bias) in enumerate(kernels):
            values = values @ kernel + bias
            values = values if number == len(kernels) - 1 else tf.nn.relu(values)
        return values[:, 0]

    return score
