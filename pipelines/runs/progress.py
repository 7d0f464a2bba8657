"""What a run says while it works: one JSON object per line.

A run is a child process of the worker or of the command line; these lines on its standard output are all that
they know of each other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Literal

from ihas.config.base import Config

Stage = Literal["validating", "searching", "clustering", "retraining", "evaluating"]


class Progress(Config):
    """One line."""

    stage: Stage
    """What the run is doing."""
    message: str
    """A sentence for a person."""
    fraction: float
    """Share of the whole run that is done, 0 to 1."""
    eta_s: float | None = None
    """Seconds that the rest is expected to take, once that can be told."""
    metrics: dict[str, float] = {}
    """Figures of this moment, for example the validation AUC of an epoch."""
    outcome: Literal["running", "succeeded", "failed"] = "running"
    """`succeeded` or `failed` on the last line."""
    error: dict[str, Any] | None = None
    """On failure: `code` (config, data, training, budget, disk, internal), `detail`, and `findings` for bad data."""


Report = Callable[[Progress], None]


def print_progress(progress: Progress) -> None:
    """Write one line to standard output, at once."""
    sys.stdout.write(json.dumps(progress.model_dump(mode="json", exclude_none=True)) + "\n")
    sys.stdout.flush()
