"""One process of several that train together.

Usage: python -m tests.ihas.training.rank_driver FOLDER RANK CASE...

It writes its address as JSON, reads everybody's, and writes a line for each case: digest of the weights, epochs, bytes sent by it. The
first of the processes leaves the weights of each case in FOLDER/CASE.npz.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.synthetic import make_tribes
from ihas.errors import IhasError
from ihas.models.network import NetworkWeights, fresh_weights
from ihas.optim import table_optimizer
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.stages.search import search_gates
from ihas.training.plain import PlainModel, train_plain
from ihas.training.ranks import Connected, Door, as_rank
from ihas.training.trainer import EpochListener

KEY = b"of the tests"
EPOCHS = 2
FEW = 8  # rows of the table, of which whole tables consist that every step updates

Numbers = dict[str, np.ndarray]


def config(*, batch_size: int = 50, optimizer: str = "adam", search: SearchConfig | None = None, **backbone: Any) -> LearningConfig:
    """Settings of a case."""
    training = TrainingConfig(epochs=EPOCHS, embedding_l2=1e-4, learning_rate=6e-3, batch_size=batch_size, optimizer=optimizer)
    return LearningConfig(
        backbone=BackboneConfig(**({"hidden": (64, 32)} | backbone)), training=training, search=search or SearchConfig(epochs=EPOCHS)
    )


CASES: dict[str, tuple[str, LearningConfig]] = {
    "plain": ("plain", config().model_copy(update={"seed": 1})),  # seed 0 is sensitive: a last bit of the table changes a loss by 1e-4
    "dropout": ("plain", config(dropout=0.3)),
    "rows": ("rows", config(dropout=0.3)),
    "weighted": ("weighted", config(hidden=(16, 8))),
    "without_norm": ("plain", config(hidden=(16, 8), batch_norm=False)),
    "deepfm": ("plain", config(kind="deepfm", hidden=(16, 8))),
    "dcn": ("plain", config(kind="dcn", hidden=(16, 8))),
    "finalmlp": ("plain", config(kind="finalmlp", hidden=(16, 8))),
    "stacked": ("plain", config(hidden=(16, 8), members=2, dropout=0.3)),
    "members": ("plain", config(kind="dcn", hidden=(16, 8), members=2)),
    "adagrad": ("rows", config(hidden=(16, 8), optimizer="adagrad")),
    "sgd": ("plain", config(hidden=(16, 8), optimizer="sgd")),
    "search": ("search", config(hidden=(16, 8), search=SearchConfig(epochs=EPOCHS))),
    "polarization": ("search", config(hidden=(16, 8), search=SearchConfig(epochs=EPOCHS, regularizer="polarization"))),
    "tasks": ("tasks", config(hidden=(16, 8), members=2)),
    "tiny_batches": ("plain", config(hidden=(16, 8), batch_size=1_199, batch_norm=False)),
}


def parts_of(case: str) -> Splits:
    """Rows of a case: 1,200 to learn from."""
    made = make_tribes(np.random.default_rng(0), 2, (1_200, 300, 1)).parts
    if CASES[case][0] == "tasks":
        further = np.random.default_rng(1).choice(np.array([0.0, 1.0, np.nan], np.float32), (len(made.train), 1))
        return Splits(replace(made.train, tasks=further, task_weights=(2.0,)), made.valid, made.test)
    if CASES[case][0] != "weighted":
        return made
    weights = np.random.default_rng(1).uniform(0.5, 1.5, len(made.train)).astype(np.float32)
    return Splits(Dataset(made.train.layout, made.train.ids, made.train.labels, weights), made.valid, made.test)


def train_case(case: str, listen: EpochListener) -> tuple[Numbers, tuple[EpochMetrics, ...]]:
    """Weights and epochs of a case."""
    (form, learning), parts = CASES[case], parts_of(case)
    if form == "rows":
        table_optimizer.DENSE_ROWS = FEW
    try:
        if form != "search":
            return _plain(train_plain(parts, learning, "base", listen))
        start = fresh_weights(parts.train.layout, learning, generator(0, "start"))
        found = search_gates(parts, start, learning, listen)
        gates = {f"gates/{i}": kernel for i, kernel in enumerate((*found.gates.kernels, *found.gates.biases, found.gates.mean))}
        return _named(found.weights) | gates | {"scale": found.gates.scale}, found.history
    finally:
        table_optimizer.DENSE_ROWS = 50_000


def _plain(model: PlainModel) -> tuple[Numbers, tuple[EpochMetrics, ...]]:
    return _named(model.weights), model.history


def _named(weights: NetworkWeights) -> Numbers:
    return {"table": weights.table} | weights.backbone


def digest(numbers: Numbers) -> str:
    """Of all values, to the bit."""
    found = hashlib.sha256()
    for name in sorted(numbers):
        found.update(numbers[name].tobytes())
    return found.hexdigest()


def main(folder: Path, rank: int, cases: list[str]) -> None:
    """Train together."""
    door = Door("127.0.0.1", KEY)
    _print(door.address)
    addresses = [(str(host), int(port)) for host, port in json.loads(sys.stdin.readline())]
    with door.joined(rank, addresses) as ranks:
        for case in cases:
            try:
                _print(_carried_out(folder, ranks, case))
            except IhasError as error:
                _print({"error": type(error).__name__, "detail": str(error)})
                return


def _carried_out(folder: Path, ranks: Connected, case: str) -> dict[str, Any]:
    before = ranks.sent

    def told(figures: EpochMetrics) -> None:
        ranks.agree(repr(figures))
        if case == "rows" and (folder / "dies").exists() and figures.epoch == 1 and ranks.rank == 1:
            os._exit(3)

    training: Callable[[], tuple[Numbers, tuple[EpochMetrics, ...]]] = partial(train_case, case, told)
    numbers, history = as_rank(ranks, training)
    if ranks.rank == 0:
        np.savez(folder / f"{case}.npz", **{name.replace("/", "|"): value for name, value in numbers.items()})
    return {"digest": digest(numbers), "losses": [epoch.loss for epoch in history], "sent": ranks.sent - before}


def _print(found: object) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
