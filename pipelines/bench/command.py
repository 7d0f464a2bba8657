"""`python -m pipelines bench NAME...`: benchmarks by their name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from ihas.errors import ConfigError
from pipelines.bench.table import Table, markdown_table, measured, write

BENCHMARKS: Mapping[str, str] = {
    "training": "pipelines.bench.training",
    "job": "pipelines.bench.job",
    "serving": "pipelines.bench.serving",
    "http": "pipelines.bench.http",
    "overload": "pipelines.bench.overload",
}
"""Name to the module whose `tables(rounds)` measures and gives one table after the other; it is imported when its turn comes."""


def bench(names: Sequence[str], folder: Path, rounds: int) -> None:
    """Measure; print each table, and write all so far to `NAME.md` and `NAME.json` in a folder, as soon as it is there.

    Args:
        names: benchmarks, in this order; all of them where there are none.
        folder: of the figures.
        rounds: turns of every contender.

    Raises:
        ConfigError: a name is none of a benchmark, or there is no round.
    """
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown or rounds < 1:
        raise ConfigError(f"Names must be among {', '.join(BENCHMARKS)} and `rounds >= 1`, but got {unknown or list(names)} and {rounds}.")
    for name in names or tuple(BENCHMARKS):
        tables: Callable[[int], Iterable[Table]] = import_module(BENCHMARKS[name]).tables
        found: list[Table] = []
        for table in tables(rounds):
            found.append(table)
            write(measured(f"python -m pipelines bench {name} --rounds {rounds}", found), folder, name)
            sys.stdout.write(f"{markdown_table(table)}\n\n")
            sys.stdout.flush()
