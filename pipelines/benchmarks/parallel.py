"""What independent trainings take one after another and beside each other: a base's trials, a teacher's members, groups' models.

Plain models of the same size stand for all of them; rows are those of `ihas.data.synthetic`. Each takes the same number of epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Splits
from ihas.data.synthetic import make_tribes
from ihas.optim.update_rules import num_threads
from ihas.results.run_result import EpochMetrics
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import train_plain
from ihas_pipelines.benchmarks.memory import measured_call
from ihas_pipelines.benchmarks.table import MIB, Table, timing_table
from ihas_pipelines.benchmarks.timing import measure_alternately

TRAININGS, EPOCHS, TRIBES = 4, 3, 4
ROWS: Mapping[tuple[int, ...], int] = {(16, 8): 40_000, (64, 32): 100_000, (400, 400, 400): 20_000}
ALONE, BESIDE = "one after another", "beside each other"


def tables(repetitions: int) -> Iterator[Table]:
    """One table per network."""
    for hidden, rows in ROWS.items():
        parts = make_tribes(np.random.default_rng(0), TRIBES, (rows, 1_000, 1)).parts
        yield _table(parts, hidden, repetitions)


def _table(parts: Splits, hidden: tuple[int, ...], repetitions: int) -> Table:
    config = LearningConfig(
        backbone=BackboneConfig(hidden=hidden),
        training=TrainingConfig(epochs=EPOCHS, patience=EPOCHS, embedding_l2=1e-4, learning_rate=6e-3),
    )
    trainings = [partial(train_plain, parts, config, str(number)) for number in range(TRAININGS)]

    def one_after_another() -> None:
        for training in trainings:
            train_in_parallel([training], parts.train, config, _nobody)

    def beside_each_other() -> None:
        train_in_parallel(trainings, parts.train, config, _nobody)

    trainings[0](_nobody)  # compiled loops are read from their cache
    systems = {ALONE: measured_call(one_after_another), BESIDE: measured_call(beside_each_other)}
    timings = measure_alternately(systems, repetitions)
    title = f"{TRAININGS} trainings of MLP {'-'.join(map(str, hidden))}, {len(parts.train):,} rows, {num_threads()} threads"
    timed = timing_table(title, timings, {ALONE: "wall"}, scale=1.0)
    rows = tuple((*row, round(timings.memory(str(row[0])) / MIB)) for row in timed.rows)
    return replace(timed, columns=(*timed.columns, "most resident MiB"), rows=rows)


def _nobody(_: EpochMetrics) -> None:
    return None
