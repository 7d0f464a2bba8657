"""`python -m pipelines bench NAME...`: benchmarks by their name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from ihas.errors import ConfigError
from pipelines.bench.table import Table, markdown, measured, write

BENCHMARKS: Mapping[str, str] = {
    "serving": "pipelines.bench.serving",
    "http": "pipelines.bench.http",
}
"""Name to the module whose `tables(rounds)` measures; a module is imported when its turn comes."""


def bench(names: Sequence[str], folder: Path, rounds: int) -> None:
    """Measure, print, and write `NAME.md` and `NAME.json` into a folder.

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
        tables: Callable[[int], tuple[Table, ...]] = import_module(BENCHMARKS[name]).tables
        found = measured(f"python -m pipelines bench {name} --rounds {rounds}", tables(rounds))
        write(found, folder, name)
        sys.stdout.write(markdown(found))
