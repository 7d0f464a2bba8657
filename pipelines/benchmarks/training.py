"""Cost of a training step: 26 fields, a million values, 16 dimensions, Zipf ids, 4,096 rows.

The floor is the network above the embedding alone, in the same framework: forward, gradients of its weights and of its input, Adam.
Systems under test run in processes of their own. If PyTorch is installed, FuxiCTR's form is one of them: a table per field and a dense
Adam over all of them; if the package `fuxictr` is installed too, so is FuxiCTR itself.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import numpy as np

from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.fuxictr_step import fuxictr_step
from ihas_pipelines.benchmarks.table import Table, timing_table
from ihas_pipelines.benchmarks.timing import Measurement, System, measure_alternately, timed

NUM_FIELDS, VALUES, DIM, BATCH, BATCHES = 26, 1_000_000 // 26, 16, 4_096, 8
ZIPF = 1.05
NETWORKS: Mapping[str, tuple[int, ...]] = {"MLP 400x3": (400, 400, 400), "MLP 64-32": (64, 32)}
OURS, GATED, FLOOR, KERAS, TORCH, FUXICTR = (
    "iHAS",
    "iHAS, gated search",
    "floor: network alone",
    "Keras 3 fit, table per field",
    "PyTorch, FuxiCTR's form",
    "FuxiCTR itself",
)
LEARNING_RATE, MEASUREMENT_S = 1e-3, 0.5


def tables(repetitions: int) -> tuple[Table, ...]:
    """One table per network."""
    return tuple(_table(name, hidden, repetitions) for name, hidden in NETWORKS.items())


def _table(name: str, hidden: tuple[int, ...], repetitions: int) -> Table:
    prepared: list[Callable[..., Mapping[str, System]]] = [our_systems, keras_systems]
    missing = ""
    for key, measurements, packages in ((TORCH, torch_systems, ("torch",)), (FUXICTR, fuxictr_systems, ("torch", "fuxictr"))):
        lacking = [package for package in packages if importlib.util.find_spec(package) is None]
        if lacking:
            missing += f" {key}: not measured, {' and '.join(lacking)} not installed."
        else:
            prepared.append(measurements)
    with ExitStack() as stack:
        children = [stack.enter_context(Child(prepare, hidden)) for prepare in prepared]
        systems = {key: system for child in children for key, system in child.systems().items()}
        timings = measure_alternately(systems, repetitions)
    references = dict.fromkeys((FLOOR, OURS), "wall")
    note = f"One step of {BATCH:,} rows on {os.cpu_count()} threads.{missing}"
    return timing_table(f"Training step, {name}", timings, references, note, scale=1e3)  # type: ignore[arg-type]  # "wall" is a cost


def zipf_ids(rng: np.random.Generator) -> np.ndarray:
    """Batches of ids within each field, by Zipf's law: int32 (BATCHES, BATCH, NUM_FIELDS)."""
    weights = np.cumsum(np.arange(1, VALUES + 1, dtype=np.float64) ** -ZIPF)
    drawn = np.searchsorted(weights / weights[-1], rng.random((BATCHES, BATCH, NUM_FIELDS)))
    return drawn.astype(np.int32)


def _labels(rng: np.random.Generator) -> np.ndarray:
    return (rng.random((BATCHES, BATCH)) < 0.3).astype(np.float32)


def our_systems(hidden: tuple[int, ...]) -> Mapping[str, System]:
    """Our step, plain and with gates, and the floor. Runs in a child."""
    from ihas.config.backbone import BackboneConfig
    from ihas.config.learning import LearningConfig
    from ihas.config.training import TrainingConfig
    from ihas.data.dataset import Dataset
    from ihas.data.layout import FieldLayout
    from ihas.layers.gates import BernoulliGates
    from ihas.models.network import Network, fresh_weights
    from ihas.models.prediction import GroupedRows
    from ihas.training.trainer import Trainer

    rng = np.random.default_rng(0)
    layout = FieldLayout(tuple(map(str, range(NUM_FIELDS))), (VALUES,) * NUM_FIELDS, (1,) * NUM_FIELDS)
    config = LearningConfig(
        backbone=BackboneConfig(hidden=hidden, batch_norm=False),
        training=TrainingConfig(embedding_dim=DIM, learning_rate=LEARNING_RATE, embedding_l2=1e-6),
    )
    ids, labels, seed = zipf_ids(rng) + layout.first_rows, _labels(rng), np.array([1, 2], np.int32)
    batches = [GroupedRows.one_group(Dataset(layout, rows, clicks)) for rows, clicks in zip(ids, labels, strict=True)]
    measurements = {}
    for name, gated in ((OURS, False), (GATED, True)):
        network = Network(layout, config.backbone, DIM, BernoulliGates(NUM_FIELDS, DIM, config.search, rng) if gated else None)
        network.assign(fresh_weights(layout, config, rng))
        trainer = Trainer(network, config.training, rng)
        measurements[name] = _steps(lambda k, trainer=trainer: trainer.step(batches[k], LEARNING_RATE, seed))  # type: ignore[misc]  # mypy cannot infer the default
    return measurements | {FLOOR: _floor(hidden, labels)}


def _floor(hidden: tuple[int, ...], labels: np.ndarray) -> System:
    from ihas.config.backbone import BackboneConfig
    from ihas.legacy_keras import tf
    from ihas.models.backbone import KeptDims
    from ihas.models.mlp import MLP
    from ihas.optim.optimizer import Adam

    backbone = MLP(KeptDims.all(NUM_FIELDS, DIM), BackboneConfig(hidden=hidden, batch_norm=False), 0)
    variables = list(backbone.named_variables().values())
    adam, values = Adam(variables), tf.random.normal([BATCH, NUM_FIELDS * DIM])
    clicks = tf.constant(labels)

    @tf.function(autograph=False)
    def step(clicks: object) -> object:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([values, *variables])
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(clicks, backbone(values, None, None)))
        of_values, *gradients = tape.gradient(loss, [values, *variables])
        adam.apply(gradients, tf.constant(LEARNING_RATE))
        return loss, of_values

    return _steps(lambda k: step(clicks[k])[0].numpy())


def keras_systems(hidden: tuple[int, ...]) -> Mapping[str, System]:
    """Keras 3's `fit` on a model with a table per field. Runs in a child that never sees legacy Keras."""
    os.environ["TF_USE_LEGACY_KERAS"] = "0"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    rng = np.random.default_rng(0)
    inputs = [keras.Input((), dtype="int32") for _ in range(NUM_FIELDS)]
    values = keras.layers.Concatenate()([keras.layers.Embedding(VALUES, DIM)(one) for one in inputs])
    for units in hidden:
        values = keras.layers.Dense(units, activation="relu")(values)
    model = keras.Model(inputs, keras.layers.Dense(1)(values))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), keras.losses.BinaryCrossentropy(from_logits=True))
    ids, labels = zipf_ids(rng).reshape(-1, NUM_FIELDS), _labels(rng).reshape(-1)
    columns = [np.ascontiguousarray(column) for column in ids.T]

    def epoch() -> None:
        model.fit(columns, labels, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)

    return {KERAS: _per_step(timed(epoch, MEASUREMENT_S), BATCHES)}


def torch_systems(hidden: tuple[int, ...]) -> Mapping[str, System]:
    """A table per field and Adam over whole tables, as FuxiCTR trains. Runs in a child."""
    import torch

    rng = np.random.default_rng(0)
    tables = torch.nn.ModuleList(torch.nn.Embedding(VALUES, DIM) for _ in range(NUM_FIELDS))
    widths = (NUM_FIELDS * DIM, *hidden)
    layers = [layer for a, b in zip(widths, widths[1:], strict=False) for layer in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1))
    optimizer = torch.optim.Adam([*tables.parameters(), *network.parameters()], lr=LEARNING_RATE)
    loss_of, ids, labels = torch.nn.BCEWithLogitsLoss(), torch.from_numpy(zipf_ids(rng).astype(np.int64)), torch.from_numpy(_labels(rng))

    def step(k: int) -> None:
        embedded = torch.cat([table(ids[k, :, field]) for field, table in enumerate(tables)], dim=1)
        optimizer.zero_grad()
        loss_of(network(embedded)[:, 0], labels[k]).backward()
        optimizer.step()

    return {TORCH: _steps(step)}


def fuxictr_systems(hidden: tuple[int, ...]) -> Mapping[str, System]:
    """FuxiCTR's classes and its step. Runs in a child."""
    rng = np.random.default_rng(0)
    return {FUXICTR: _steps(fuxictr_step(zipf_ids(rng), _labels(rng), VALUES, DIM, hidden, LEARNING_RATE))}


def _steps(step: Callable[[int], object]) -> System:
    """A measurement takes each batch once."""

    def all_batches() -> None:
        for k in range(BATCHES):
            step(k)

    return _per_step(timed(all_batches, MEASUREMENT_S), BATCHES)


def _per_step(system: System, steps: int) -> System:
    def measurement() -> Measurement:
        taken = system()
        return Measurement(taken.cpu / steps, taken.wall / steps)

    return measurement
