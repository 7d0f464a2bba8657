"""`bench`: measures the cost of serving and training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks; all of them where none is named.")] = None,
    folder: Annotated[Path, typer.Option(help="Folder of the tables.")] = Path("runs/bench"),
    repetitions: Annotated[int, typer.Option("--repetitions", "--rounds", help="Repetitions of every system under test.")] = 9,
    rows: Annotated[int | None, typer.Option(help="Rows of the tables that `ingest`, `growth`, `large` and `retrieval` make.")] = None,
) -> None:
    """Measure the cost of serving and training against a floor and other libraries."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `ihas serve` sets it
    from ihas_pipelines.benchmarks.command import bench as measure

    measure(names or (), folder, repetitions, rows)
