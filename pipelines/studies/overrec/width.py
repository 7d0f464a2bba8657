"""Does ranking rise, fall and rise again as a recurrent recommender widens? A small one is trained at every width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ihas.config.overrec import KernelConfig, OverRecConfig
from ihas.legacy_keras import tf
from ihas.seeding import generator
from ihas.sequential.data.ranking import ranking_metrics, ranks
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.data.sequences import LeaveOneOut, Sequences, leave_one_out
from ihas.sequential.overrec.model import OverRec
from ihas_pipelines.kinds.overrec.choice import Say, gain
from ihas_pipelines.studies.overrec.plan import WidthPlan
from ihas_pipelines.studies.overrec.table import Study, StudyTable

Tensor = Any
KERNELS = {
    "infinite width: neighbours, sum": {"score": "sum", "num_neighbours": 100},
    "infinite width: kernel ridge regression on 4,000 prefixes": {"score": "krr", "krr_rows": 4_000},
}


@dataclass(frozen=True)
class Trained:
    """One network: numbers in it, mean training loss of the last epoch in nats, NDCG@10 on validation rows after every epoch."""

    parameters: int
    loss: float
    ndcg: tuple[float, ...]


class RecurrentNetwork:
    """h_t = relu(W h_{t-1} + U x_t + b), logits = V h_t + c; items are numbered from 1, 0 is no item and changes nothing."""

    def __init__(self, num_items: int, width: int, rng: np.random.Generator) -> None:
        shapes = {"W": (width, width), "U": (num_items + 1, width), "V": (width, num_items)}
        scales = {"W": width**-0.5, "U": 1.0, "V": width**-0.5}
        drawn = {name: scales[name] * rng.standard_normal(shape) for name, shape in shapes.items()}
        drawn |= {"b": np.zeros(width), "c": np.zeros(num_items)}
        self.variables = {name: tf.Variable(value.astype(np.float32)) for name, value in drawn.items()}

    def logits(self, states: Tensor) -> Tensor:
        """float32 (..., width) -> float32 (..., num_items)."""
        return states @ self.variables["V"] + self.variables["c"]

    def states(self, items: Tensor) -> Tensor:
        """Hidden states: int32 (rows, steps) -> float32 (rows, steps, width)."""
        weights, state = self.variables, tf.zeros((tf.shape(items)[0], self.variables["W"].shape[0]))
        states = []
        for step in range(items.shape[1]):
            item = items[:, step]
            fresh = tf.nn.relu(state @ weights["W"] + tf.gather(weights["U"], item) + weights["b"])
            state = tf.where((item > 0)[:, None], fresh, state)
            states.append(state)
        return tf.stack(states, axis=1)


def measure_width(plan: WidthPlan, say: Say) -> Study:
    """All tables of a plan, on validation rows."""
    data = read_sequences(plan.data)
    parts = leave_one_out(data.sequences)
    rows: list[tuple[str | float | int | None, ...]] = []
    for width in plan.widths:
        found = [_train(plan, parts, data.num_items, width, seed, say) for seed in plan.seeds]
        last, best = np.array([one.ndcg[-1] for one in found]), np.array([max(one.ndcg) for one in found])
        loss = float(np.mean([one.loss for one in found]))
        rows.append((f"{width:,} units", found[0].parameters, loss, *_spread(last), *_spread(best)))
    for name, settings in KERNELS.items():
        say(name)
        model = OverRec.of(parts.train, data.num_items, OverRecConfig.model_validate({"kernel": KernelConfig(), **settings}))
        ndcg = gain(ranks(model.scores, parts.valid))
        rows.append((name, None, None, ndcg, None, ndcg, None))
    columns = ("network", "numbers", "training loss", "NDCG@10, last epoch", "deviation", "NDCG@10, best epoch", "deviation")
    title = f"Width of a recurrent network, {len(plan.seeds)} seeds, {plan.epochs} epochs, validation rows"
    return Study(study=plan.study, data=plan.data.path.name, tables=(StudyTable(title=title, columns=columns, rows=tuple(rows)),))


def _spread(values: np.ndarray) -> tuple[float, float | None]:
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None


def _train(plan: WidthPlan, parts: LeaveOneOut, num_items: int, width: int, seed: int, say: Say) -> Trained:
    rng = generator(seed, "width", str(width))
    network, optimizer = RecurrentNetwork(num_items, width, rng), tf.keras.optimizers.Adam(plan.learning_rate)
    step, rows = _step(network, optimizer), _padded(parts.train.last(plan.max_length + 1), plan.max_length + 1)
    ndcg, loss = [], 0.0
    for _ in range(plan.epochs):
        losses = [float(step(tf.constant(rows[batch]))) for batch in _batches(len(rows), plan.batch_size, rng)]
        loss = float(np.mean(losses))
        ndcg.append(_ndcg(plan, network, parts))
    say(f"{width} units, seed {seed}: loss {loss:.3f}, NDCG@10 {ndcg[-1]:.4f}, best {max(ndcg):.4f}")
    return Trained(sum(int(np.prod(one.shape)) for one in network.variables.values()), loss, tuple(ndcg))


def _step(network: RecurrentNetwork, optimizer: Any) -> Any:
    variables = list(network.variables.values())

    @tf.function(autograph=False)
    def step(items: Tensor) -> Tensor:
        told, targets = items[:, :-1], items[:, 1:]
        counts = tf.cast(targets > 0, tf.float32) * tf.cast(told > 0, tf.float32)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(targets - 1, 0), network.logits(network.states(told)))
            loss = tf.reduce_sum(losses * counts) / tf.maximum(tf.reduce_sum(counts), 1.0)
        gradients, _ = tf.clip_by_global_norm([tf.convert_to_tensor(one) for one in tape.gradient(loss, variables)], 1.0)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    return step


def _ndcg(plan: WidthPlan, network: RecurrentNetwork, parts: LeaveOneOut) -> float:
    def scores(histories: Sequences) -> np.ndarray:
        rows = _padded(histories.last(plan.max_length), plan.max_length)
        return np.asarray(network.logits(network.states(tf.constant(rows))[:, -1]), np.float64)

    return ranking_metrics(ranks(scores, parts.valid, block=128)).ndcg[10]


def _padded(sequences: Sequences, length: int) -> np.ndarray:
    """Items from 1, zeros in front: int32 (sequences, length)."""
    rows = np.zeros((len(sequences), length), np.int32)
    for row, items in enumerate(sequences):
        rows[row, length - len(items) :] = items + 1
    return rows


def _batches(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]
