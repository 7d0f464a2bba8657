"""What numbers cost beside categories: rows of 39 fields, 13 of them numbers or their buckets as texts, 26 categories.

The rows of the three tables are the same. A step trains 1,024 rows; a scored row comes as JSON has it, and is encoded and scored in the
process, 500 rows a call, with the plain model of 64-32 from a bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from ihas.config.backbone import BackboneConfig
from ihas.config.cluster import ClusterConfig
from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.distil import DistilConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.members import MembersConfig
from ihas.config.recipe import Recipe
from ihas.config.retrain import RetrainConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.mapped import scattered
from ihas.data.storage import load_ingested
from ihas_pipelines.benchmarks.table import Table, timing_table
from ihas_pipelines.benchmarks.timing import System, measure_alternately, timed
from ihas_pipelines.runs.run import run_recipe

NUMBERS, CATEGORIES, VALUES, ROWS = 13, 26, 1_000, 20_000
BATCH, SCORED, DIM, HIDDEN = 1_024, 500, 16, (64, 32)
FORMS = ("categories", "buckets", "piecewise")
MEASUREMENT_S = 0.3


def tables(repetitions: int) -> Iterator[Table]:
    """Two tables: a training step, and scored rows."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        rows = _rows(np.random.default_rng(0))
        for form in FORMS:
            _run(folder / form, form, rows)
        for title, prepare in ((f"Training step of {BATCH:,} rows", _step), (f"Scores of {SCORED} rows", _scores)):
            systems = {form: prepare(folder / form) for form in FORMS}
            note = f"{NUMBERS + CATEGORIES} fields, {NUMBERS} of them in this form; a number between knots has four ids in place of one."
            yield timing_table(f"{title}, 39 fields", measure_alternately(systems, repetitions), {"categories": "cpu"}, note, scale=1e3)


def _rows(rng: np.random.Generator) -> dict[str, np.ndarray]:
    heavy = rng.lognormal(sigma=2.0, size=(ROWS, NUMBERS)).round(3)
    ids = (rng.zipf(1.3, size=(ROWS, CATEGORIES)) - 1) % VALUES
    logit = np.log(heavy[:, :3] + 1e-3).mean(axis=1) + (ids[:, :4] % 3 - 1).mean(axis=1)
    label = (rng.random(ROWS) < 1.0 / (1.0 + np.exp(-logit))).astype(np.int8)
    numbers = {f"i{place}": heavy[:, place] for place in range(NUMBERS)}
    return {"label": label} | numbers | {f"c{place}": ids[:, place].astype(str) for place in range(CATEGORIES)}


def _run(folder: Path, form: str, rows: dict[str, np.ndarray]) -> None:
    folder.mkdir()
    numbers, others = [f"i{place}" for place in range(NUMBERS)], [f"c{place}" for place in range(CATEGORIES)]
    if form == "categories":
        cuts = {name: np.quantile(rows[name], np.linspace(0.1, 0.9, 9)) for name in numbers}
        rows = rows | {name: np.searchsorted(cuts[name], rows[name]).astype(str) for name in numbers}
    pa.parquet.write_table(pa.table(dict(rows)), folder / "rows.parquet")
    kinds: dict[str, Any] = {"categorical": numbers + others} if form == "categories" else {"numeric": numbers, "categorical": others}
    numeric: Literal["buckets", "piecewise"] = "piecewise" if form == "piecewise" else "buckets"
    learning = LearningConfig(
        encoding=EncodingConfig(numeric=numeric),
        backbone=BackboneConfig(hidden=HIDDEN),
        training=TrainingConfig(embedding_dim=DIM, epochs=1),
        members=MembersConfig(counts=(), larger=()),
        distil=DistilConfig(members=0),
        search=SearchConfig(epochs=1),
        cluster=ClusterConfig(num_groups=(2,), on=("masked",), thresholds=(0.5,)),
        retrain=RetrainConfig(epochs=1),
    )
    data = DataConfig(path=folder / "rows.parquet", columns=SchemaConfig(label="label", **kinds))
    run_recipe(Recipe(name="fields", data=data, learning=learning), folder / "run", lambda _: None)


def _step(folder: Path) -> System:
    from ihas.models.network import Network, fresh_weights
    from ihas.models.prediction import GroupedRows
    from ihas.training.trainer import Trainer

    (stage,) = (folder / "run" / "stages").glob("data-*")
    train, rng = load_ingested(stage / "encoded").parts.train, np.random.default_rng(0)
    config = LearningConfig(backbone=BackboneConfig(hidden=HIDDEN), training=TrainingConfig(embedding_dim=DIM))
    network = Network(train.layout, config.backbone, DIM, None)
    network.assign(fresh_weights(train.layout, config, rng))
    trainer, seed = Trainer(network, config.training, rng), np.array([1, 2], np.int32)
    chosen = np.arange(BATCH)
    batch = GroupedRows.one_group(Dataset(train.layout, scattered(train.ids, chosen), np.asarray(train.labels[chosen])))
    return timed(lambda: trainer.step(batch, 1e-3, seed), MEASUREMENT_S)


def _scores(folder: Path) -> System:
    from ihas.serving.loading import load_recommender

    recommender = load_recommender(_base_of(folder))
    rows = pyarrow.parquet.read_table(folder / "rows.parquet").drop_columns(["label"]).slice(0, SCORED).to_pylist()
    return timed(lambda: recommender.score(rows), MEASUREMENT_S)


def _base_of(folder: Path) -> Path:
    """The bundle of the plain model, whichever was chosen."""
    points = sorted((folder / "run" / "frontier").glob("base*"))
    return points[0] if points else folder / "run" / "bundle"
