"""Whole runs that do not depend on each other, on the machines of a Ray cluster, each in one process.

A run keeps its finished stages in its folder, which all machines share: one whose machine dies goes on from there on another. What it
trains beside each other itself, it trains in threads. Source: our choice (decision 104).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from ihas.config.run import RunOptions
from ihas.data.mapped import scratch_in
from ihas.training.parallel import has_cluster, resume_on_cluster
from ihas_pipelines.runs.threads import counting_cores, threads

Heard = TypeVar("Heard")
Result = TypeVar("Result")


def are_spread(count: int, options: RunOptions) -> bool:
    """Whether so many runs are: there is a cluster, several are to be made, and none wants several machines for itself."""
    return has_cluster() and count > 1 and options.machines == 1


def spread(
    runs: Sequence[Callable[[Callable[[Heard], None]], Result]],
    options: RunOptions,
    folder: Path,
    hear: Callable[[Heard], None],
    arrived: Callable[[int, Result], None] = lambda *_: None,
) -> list[Result]:
    """What the runs give, in their order.

    Args:
        runs: each takes what hears of its progress, and works in a folder of its own.
        options: how each is run.
        folder: absolute, which all machines share.
        hear: on the calling thread; a run that is begun again tells of some of its progress again.
        arrived: given a run's number and what it gave as soon as it is there, likewise.

    Raises:
        ClusterError: the cluster cannot be reached, was lost, or would compute otherwise.
        the first error of a run.
    """
    with scratch_in(folder):
        return resume_on_cluster([partial(_carry_out, run, threads(options)) for run in runs], hear, arrived)


def _carry_out(run: Callable[[Callable[[Heard], None]], Result], cores: int, tell: Callable[[Heard], None]) -> Result:
    try:
        with counting_cores(cores):
            return run(tell)
    finally:
        gc.collect()  # networks and their graphs refer to each other, and the process is used again
