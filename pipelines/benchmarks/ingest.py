"""What reading a table costs: rows per second and memory, beside polars reading the same file.

Ingest is all of it: read, judged, divided, encoded, written. Polars reads into memory, and once more with every text column as a
categorical, which numbers the distinct texts as an ingest must. Each system has a process of its own, whose packages count in
what it holds; pages of mapped files do too.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from ihas.config.data import DataConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.memory import measured_call
from ihas_pipelines.benchmarks.rows import RowShape, write_rows
from ihas_pipelines.benchmarks.table import MIB, Table
from ihas_pipelines.benchmarks.timing import System, Timings, measure_alternately

ROWS, SHAPE = 5_000_000, RowShape()
INGEST, READ = "iHAS, ingest", "iHAS, read"
POLARS, NUMBERED = "polars, read", "polars, read, texts numbered"


def tables(repetitions: int, rows: int = ROWS) -> Iterator[Table]:
    """One table per format."""
    for suffix in (".csv", ".parquet"):
        with TemporaryDirectory() as folder, ExitStack() as stack:
            path = Path(folder) / f"rows{suffix}"
            write_rows(path, rows, SHAPE)
            prepared: list[Callable[..., Mapping[str, System]]] = [ingest_systems, read_systems]
            if importlib.util.find_spec("polars"):
                prepared += [polars_systems, numbered_systems]
            children = [stack.enter_context(Child(prepare, path)) for prepare in prepared]
            systems = {name: system for child in children for name, system in child.systems().items()}
            timings = measure_alternately(systems, repetitions)
            yield _table(path, rows, timings)


def _table(path: Path, rows: int, timings: Timings) -> Table:
    missing = "" if POLARS in timings.measurements else " Polars is not installed, so it is not measured."
    note = f"{path.stat().st_size / MIB:,.0f} MiB.{missing}"
    reference = POLARS if POLARS in timings.measurements else READ
    columns = ("", "rows per s", "rows per CPU s", f"wall / {reference}", f"CPU / {reference}", "most resident MiB")
    cells = tuple(
        (
            name,
            rows / timings.median(name, "wall"),
            rows / timings.median(name, "cpu"),
            timings.ratio(name, reference, "wall"),
            timings.ratio(name, reference, "cpu"),
            timings.memory(name) / MIB,
        )
        for name in timings.measurements
    )
    return Table(f"{rows:,} rows x {SHAPE.numbers + SHAPE.texts} fields, {path.suffix[1:]}", columns, cells, note)


def ingest_systems(path: Path) -> Mapping[str, System]:
    """The whole ingest, into a folder beside the file. Runs in a child."""
    from ihas.data.ingest import ingest
    from ihas.data.mapped import scratch_in

    folder = path.with_name(f"encoded-{path.suffix[1:]}")
    data = DataConfig(path=path, columns=SHAPE.columns)

    def whole() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with scratch_in(path.parent):
            ingest(data, EncodingConfig(), SplitConfig(), 0, folder)

    return {INGEST: measured_call(whole)}


def read_systems(path: Path) -> Mapping[str, System]:
    """Reading alone, into distinct texts and codes. Runs in a child."""
    from ihas.data.mapped import scratch_in
    from ihas.data.readers import read_table

    def read() -> None:
        with scratch_in(path.parent):
            read_table(path)

    return {READ: measured_call(read)}


def polars_systems(path: Path) -> Mapping[str, System]:
    """The file as a frame. Runs in a child."""
    import polars

    return {POLARS: measured_call(lambda: (polars.read_csv if path.suffix == ".csv" else polars.read_parquet)(path))}


def numbered_systems(path: Path) -> Mapping[str, System]:
    """The file as a frame, then each text column as a categorical. Runs in a child."""
    import polars

    def read() -> None:
        frame = (polars.read_csv if path.suffix == ".csv" else polars.read_parquet)(path)
        frame.with_columns(polars.col(polars.String).cast(polars.Categorical))

    return {NUMBERED: measured_call(read)}
