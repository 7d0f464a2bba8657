"""What a row costs, and what is held, as tables grow: rows, vocabulary, fields, groups.

Each case has a process of its own and is one change of the same start: an epoch of the plain model, of the search and of a model under
its groups' masks, and one pass that sends every row to its group. Ids are drawn by Zipf's law and lie in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.memory import measured_call
from ihas_pipelines.benchmarks.rows import zipf_draws
from ihas_pipelines.benchmarks.table import MIB, Cell, Table
from ihas_pipelines.benchmarks.timing import System, Timings, measure_alternately

ROWS, DIM, HIDDEN, BATCH = 40_000, 16, (64, 32), 4_096
PLAIN, GATED, GROUPED, ASSIGNED = "plain epoch", "search epoch", "epoch under masks", "groups of rows"


@dataclass(frozen=True)
class Case:
    """A size: rows, fields, values of all fields together, groups."""

    rows: int
    fields: int = 26
    vocabulary: int = 100_000
    groups: int = 4


def tables(repetitions: int, rows: int = ROWS) -> Iterator[Table]:
    """One table for each of what grows; its cases run alternately."""
    start = Case(rows)
    axes: Mapping[str, list[Case]] = {
        "rows": [replace(start, rows=rows * times) for times in (1, 3, 10)],
        "vocabulary": [replace(start, vocabulary=start.vocabulary * times) for times in (1, 10)],
        "fields": [replace(start, fields=fields) for fields in (10, 26, 100)],
        "groups": [replace(start, groups=groups) for groups in (1, 2, 4, 8)],
    }
    for axis, cases in axes.items():
        yield _table(axis, cases, _timings(cases, repetitions))


def _timings(cases: list[Case], repetitions: int) -> Timings:
    with ExitStack() as stack:
        children = {case: stack.enter_context(Child(epochs, case)) for case in cases}
        systems = {f"{case} {name}": system for case, child in children.items() for name, system in child.systems().items()}
        return measure_alternately(systems, repetitions)


def _table(axis: str, cases: list[Case], timings: Timings) -> Table:
    names = (PLAIN, GATED, GROUPED, ASSIGNED)
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"{getattr(case, axis):,}",
            *(timings.median(f"{case} {name}", "cpu") / case.rows * 1e6 for name in names),
            max(timings.memory(f"{case} {name}") for name in names) / MIB,
        )
        for case in cases
    )
    kept = Case(cases[0].rows)
    note = f"CPU µs per row; otherwise {kept.rows:,} rows, {kept.fields} fields, {kept.vocabulary:,} values, {kept.groups} groups."
    return Table(f"Growth with {axis}", (axis, *names, "most resident MiB"), cells, note)


def epochs(case: Case) -> Mapping[str, System]:
    """The four passes over a case's rows. Runs in a child."""
    from ihas.config.backbone import BackboneConfig
    from ihas.config.learning import LearningConfig
    from ihas.config.training import TrainingConfig
    from ihas.data.dataset import Dataset, Splits
    from ihas.data.layout import FieldLayout
    from ihas.layers.gates import BernoulliGates
    from ihas.models.network import Network, fresh_weights
    from ihas.models.prediction import GroupedRows
    from ihas.stages.cluster.assignment import Clustering, Division, assign
    from ihas.training.trainer import Trainer

    rng, values = np.random.default_rng(0), case.vocabulary // case.fields
    layout = FieldLayout(tuple(map(str, range(case.fields))), (values,) * case.fields, (1,) * case.fields)
    config = LearningConfig(
        backbone=BackboneConfig(hidden=HIDDEN), training=TrainingConfig(embedding_dim=DIM, embedding_l2=1e-6, batch_size=BATCH)
    )
    ids = zipf_draws(rng, values, case.rows * case.fields).reshape(case.rows, case.fields) + layout.first_rows
    rows = Dataset(layout, ids.astype(np.int32), (rng.random(case.rows) < 0.3).astype(np.float32))
    grouped = GroupedRows(rows, rng.integers(case.groups, size=case.rows).astype(np.int32))
    masks, weights = rng.random((case.groups, case.fields * DIM)) < 0.5, fresh_weights(layout, config, rng)

    def epoch(gates: BernoulliGates | None, masks: np.ndarray | None) -> Callable[[], object]:
        network = Network(layout, config.backbone, DIM, gates)
        network.assign(weights, masks)
        trainer = Trainer(network, config.training, rng)
        trainer.run_epoch(grouped, 1e-3)  # graphs and kernels are made here
        return lambda: trainer.run_epoch(grouped, 1e-3)

    gates = BernoulliGates(case.fields, DIM, config.search, rng)
    gates.start_statistics(rng.normal(size=(1_000, case.fields * DIM)).astype(np.float32))
    clustering = Clustering(Splits(rows, rows, rows), weights, gates.freeze(), config)
    division = Division("mask", masks.astype(np.float32))
    calls: Mapping[str, Callable[[], object]] = {
        PLAIN: epoch(None, None),
        GATED: epoch(gates, None),
        GROUPED: epoch(None, masks),
        ASSIGNED: lambda: assign(rows, clustering, [division]),
    }
    return {name: measured_call(call) for name, call in calls.items()}
