"""How a run on sequences begins: read, cut, told."""

from __future__ import annotations

import time

from ihas.config.data import DataConfig
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.data.sequences import LeaveOneOut, UserSequences, leave_one_out
from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.reporter import Reporter


def read_parts(config: DataConfig, folder: RunFolder, reporter: Reporter) -> tuple[UserSequences, LeaveOneOut]:
    """All sequences, and their leave-one-out parts; the folder keeps the seconds.

    Raises:
        ConfigError, DataError: as reading and cutting say.
    """
    began = time.monotonic()
    reporter.enter("reading", f"Reading {config.path.name}")
    data = read_sequences(config)
    parts = leave_one_out(data.sequences)
    reporter.say(f"{len(data.users):,} users, {data.num_items:,} items, {len(data.sequences.items):,} interactions")
    folder.seconds["data"] = time.monotonic() - began
    return data, parts
