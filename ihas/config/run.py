"""Settings `run`: how a run is carried out on a machine; they change no more than the order of sums."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config


class RunOptions(Config):
    """How a run is carried out."""

    num_threads: Annotated[int, Field(ge=0)] = 0
    """Number of threads for arithmetic, for the rows of a large table and for parallel trainings; 0 means one per core. Results are
    equal to the bit only for equal numbers of threads."""
    machines: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes, on machines of the Ray cluster that `IHAS_RAY_ADDRESS` names, that carry out each training of a run of the kind `grouped`
    together, each on its share of every batch. Results are equal to the bit only for equal numbers, and to float rounding for others."""
