"""What a whole job costs beside one plain model trained to convergence: base, search, cluster, retrain with four groups.

Rows are those of `ihas.data.synthetic`, so that the groups are really there. Settings are stated, as in a recipe whose trials are done; the
seconds are those that the run noted for its stages, so a stage that was read from disk costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ihas.config.backbone import BackboneConfig
from ihas.config.cluster import ClusterConfig
from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.distil import DistilConfig
from ihas.config.evaluate import EvaluateConfig
from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.config.training import TrainingConfig
from ihas.data.synthetic import make_tribes
from ihas_pipelines.benchmarks.table import Table
from ihas_pipelines.runs.run import run_recipe

GROUPS, ROWS, HIDDEN = 4, 200_000, (64, 32)
STAGES = ("base", "distil", "search", "cluster", "retrain")


def tables(repetitions: int) -> Iterator[Table]:
    """One table: seconds of each stage, median over the repetitions, without and with a teacher."""
    with TemporaryDirectory() as folder:
        data = write_rows(Path(folder) / "rows.csv")
        runs = {members: [_seconds(data, members, Path(folder) / f"{members}-{k}") for k in range(repetitions)] for members in (0, 4)}
    yield Table(
        f"Whole job, {ROWS:,} rows, MLP {'-'.join(map(str, HIDDEN))}, {GROUPS} groups",
        ("", *(f"{stage} s" for stage in STAGES), "job / base"),
        tuple((f"{members} members in the teacher", *_row(taken)) for members, taken in runs.items()),
        "Reading the rows, comparing with other variants and packing are left out.",
    )


def write_rows(path: Path) -> DataConfig:
    """Rows of four tribes as a CSV file."""
    oracle = make_tribes(np.random.default_rng(0), GROUPS, (ROWS, 1, 1))
    rows, layout = oracle.parts.train, oracle.layout
    columns = {name: rows.ids[:, slot] - layout.first_rows[slot] for slot, name in enumerate(layout.names)}
    pa.csv.write_csv(pa.table({**columns, "label": rows.labels.astype(np.int32)}), path)
    return DataConfig(path=path, columns=SchemaConfig(label="label", categorical=layout.names))


def _seconds(data: DataConfig, members: int, folder: Path) -> dict[str, float]:
    learning = LearningConfig(
        backbone=BackboneConfig(hidden=HIDDEN),
        training=TrainingConfig(embedding_l2=1e-4, learning_rate=6e-3),
        distil=DistilConfig(members=members),
        cluster=ClusterConfig(num_groups=(GROUPS,), on=("mask",)),
        evaluate=EvaluateConfig(controls=False),
    )
    seconds = run_recipe(Recipe(name="job", data=data, learning=learning), folder, lambda _: None).seconds
    return {stage: seconds.get(stage, 0.0) for stage in STAGES}


def _row(taken: list[dict[str, float]]) -> tuple[float, ...]:
    totals = [sum(seconds.values()) / seconds["base"] for seconds in taken]
    return (*(float(np.median([seconds[stage] for seconds in taken])) for stage in STAGES), float(np.median(totals)))
