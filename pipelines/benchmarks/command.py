"""`ihas bench NAME...`: benchmarks by their name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from ihas.errors import ConfigError
from ihas_pipelines.benchmarks.table import Table, markdown_table, measured, write

BENCHMARKS: Mapping[str, str] = {
    "ingest": "ihas_pipelines.benchmarks.ingest",
    "growth": "ihas_pipelines.benchmarks.growth",
    "fields": "ihas_pipelines.benchmarks.fields",
    "training": "ihas_pipelines.benchmarks.training",
    "sequences": "ihas_pipelines.benchmarks.sequences",
    "parallel": "ihas_pipelines.benchmarks.parallel",
    "job": "ihas_pipelines.benchmarks.job",
    "serving": "ihas_pipelines.benchmarks.serving",
    "http": "ihas_pipelines.benchmarks.http",
    "overload": "ihas_pipelines.benchmarks.overload",
    "retrieval": "ihas_pipelines.benchmarks.retrieval",
}
"""Name to the module whose `tables(repetitions)` measures and gives one table after the other; it is imported when it is run."""
ON_REQUEST: Mapping[str, str] = {"large": "ihas_pipelines.benchmarks.large"}
"""The same for those that take too long to be among all."""
SIZED = ("ingest", "growth", "large", "retrieval")
"""Those whose `tables(repetitions, rows)` may be told the number of rows."""


def bench(names: Sequence[str], folder: Path, repetitions: int, rows: int | None = None) -> None:
    """Measure; print each table, and write all so far to `NAME.md` and `NAME.json` in a folder, as soon as it is there.

    Args:
        names: benchmarks, in this order; all of them where there are none.
        folder: takes the tables.
        repetitions: repetitions of every system under test.
        rows: rows of the generated tables, for those of `SIZED`.

    Raises:
        ConfigError: an unknown name, no repetition, or rows for a benchmark that does not make its rows.
    """
    known = {**BENCHMARKS, **ON_REQUEST}
    unknown = [name for name in names if name not in known]
    if unknown or repetitions < 1:
        raise ConfigError(
            f"Names must be among {', '.join(known)} and `repetitions >= 1`, but got {unknown or list(names)} and {repetitions}."
        )
    if rows is not None and (rows < 1 or not names or set(names) - set(SIZED)):
        raise ConfigError(f"`--rows >= 1` must go with some of {', '.join(SIZED)}, but got {rows} for {', '.join(names) or 'all'}.")
    stated = () if rows is None else (rows,)
    for name in names or tuple(BENCHMARKS):
        tables: Callable[..., Iterable[Table]] = import_module(known[name]).tables
        command = f"ihas bench {name} --repetitions {repetitions}" + ("" if rows is None else f" --rows {rows}")
        found: list[Table] = []
        for table in tables(repetitions, *stated):
            found.append(table)
            write(measured(command, found), folder, name)
            sys.stdout.write(f"{markdown_table(table)}\n\n")
            sys.stdout.flush()
