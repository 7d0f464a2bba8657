"""Many rows through ingest, search and retraining: memory of each stage, and whether a row costs the same when there are ten times as many.

39 fields, a million texts, one epoch a stage, settings stated, no teacher: what a row costs an epoch and what is held do not depend on
how many epochs there are. Each size runs in a process of its own; `rows` and a tenth of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ihas.config.cluster import ClusterConfig
from ihas.config.data import DataConfig
from ihas.config.distil import DistilConfig
from ihas.config.learning import LearningConfig
from ihas.config.retrain import RetrainConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.memory import measured_call
from ihas_pipelines.benchmarks.rows import RowShape, write_rows
from ihas_pipelines.benchmarks.table import GIB, Table
from ihas_pipelines.benchmarks.timing import Measurement, System

ROWS, SHAPE, STAGES = 50_000_000, RowShape(), ("ingest", "base", "search", "cluster", "retrain", "predict")
FOLDER = Path("runs")
LEARNING = LearningConfig(
    training=TrainingConfig(embedding_dim=4, embedding_l2=1e-6, learning_rate=1e-3, epochs=1),
    distil=DistilConfig(members=0),
    search=SearchConfig(epochs=1),
    cluster=ClusterConfig(num_groups=(4,), on=("mask",), thresholds=(0.3, 0.6)),
    retrain=RetrainConfig(mode="inherit", epochs=1),
)


def tables(repetitions: int, rows: int = ROWS) -> Iterator[Table]:  # noqa: ARG001 # one measurement of a size takes long enough
    """One table a size, the smaller first, then the ratio of what a row costs."""
    taken: dict[int, Mapping[str, Measurement]] = {}
    for size in (rows // 10, rows):
        taken[size] = measure(size)
        yield _table(size, taken[size])
    yield _ratios(*taken.values())


def measure(rows: int) -> Mapping[str, Measurement]:
    """Every stage's measurement, in order."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=FOLDER) as folder:
        with Child(_writing, Path(folder), rows) as writer:
            writer.systems()["write"]()
        with Child(_stages, Path(folder)) as child:
            return {name: measurement() for name, measurement in child.systems().items()}


def _writing(folder: Path, rows: int) -> Mapping[str, System]:
    return {"write": measured_call(lambda: write_rows(folder / "rows.parquet", rows, SHAPE))}


def _stages(folder: Path) -> Mapping[str, System]:
    """The stages as systems; each keeps what the next one needs. Runs in a child."""
    from ihas.data.ingest import ingest
    from ihas.data.mapped import scratch_in
    from ihas.models.prediction import GroupedRows, predict_groups
    from ihas.stages.base import train_base
    from ihas.stages.cluster.assignment import Clustering
    from ihas.stages.cluster.stage import cluster_instances
    from ihas.stages.retrain import Retraining, retrain_groups
    from ihas.stages.search import search_gates

    found: dict[str, Any] = {}
    data = DataConfig(path=folder / "rows.parquet", columns=SHAPE.columns)

    def predict() -> Any:
        rows = GroupedRows(found["ingest"].test, found["cluster"].groups.test)
        return predict_groups(found["retrain"].models, rows, LEARNING)

    makers: dict[str, Callable[[], Any]] = {
        "ingest": lambda: ingest(data, LEARNING.encoding, LEARNING.split, 0, folder / "encoded").parts,
        "base": lambda: train_base(found["ingest"], LEARNING, _nobody),
        "search": lambda: search_gates(found["ingest"], found["base"].weights, LEARNING, _nobody),
        "cluster": lambda: cluster_instances(Clustering(found["ingest"], found["search"].weights, found["search"].gates, LEARNING)),
        "retrain": lambda: retrain_groups(
            Retraining(found["ingest"], found["cluster"], found["search"].weights, LEARNING, "grouped"), _nobody
        ),
        "predict": predict,
    }

    def carry_out(name: str) -> None:
        with scratch_in(folder):
            found[name] = makers[name]()

    return {name: measured_call(lambda name=name: carry_out(name)) for name in STAGES}  # type: ignore[misc]  # mypy cannot infer the default


def _nobody(_: object) -> None:
    return None


def _table(rows: int, taken: Mapping[str, Measurement]) -> Table:
    cells = tuple(
        (name, measurement.cpu / rows * 1e6, measurement.wall / rows * 1e6, measurement.wall, measurement.memory / GIB)
        for name, measurement in taken.items()
    )
    columns = ("", "CPU µs per row", "wall µs per row", "wall s", "most resident GiB")
    return Table(f"{rows:,} rows x {SHAPE.numbers + SHAPE.texts} fields", columns, cells, "Resident: pages of mapped files included.")


def _ratios(small: Mapping[str, Measurement], large: Mapping[str, Measurement]) -> Table:
    total = {"all": (sum(measurement.cpu for measurement in small.values()), sum(measurement.cpu for measurement in large.values()))}
    pairs = {name: (small[name].cpu, large[name].cpu) for name in small} | total
    return Table("CPU per row, ten times the rows to the rows", ("", "ratio"), tuple((name, b / a / 10) for name, (a, b) in pairs.items()))
