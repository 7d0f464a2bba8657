"""`python -m pipelines bench NAME...`: benchmarks by their name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

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
    """
    for name in names or tuple(BENCHMARKS):
        tables: Callable[[int], tuple[Table, ...]] = import_module(BENCHMARKS[name]).tables
        found = measured(f"python -m pipelines bench {name} --rounds {rounds}", tables(rounds))
        write(found, folder, name)
        sys.stdout.write(markdown(found))
