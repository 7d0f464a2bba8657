"""Settings `run`: how a run is carried out on a machine; they change no more than the order of sums."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config


class RunOptions(Config):
    """How a run is carried out."""

    num_threads: Annotated[int, Field(ge=0)] = 0
    """Threads of arithmetic, a large table's rows and trainings at once, 0 for one per core; equal results to the bit need as many."""
