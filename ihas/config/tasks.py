"""Settings `columns.tasks`: further labels beside the first one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config
from ihas.config.positive import PositiveRule

MAX_TASKS = 15
"""Further labels; each adds an output unit in training and a graph to the bundle."""
MAX_EXPONENT = 100.0
Exponent = Annotated[float, Field(ge=0.0, le=MAX_EXPONENT)]


class TaskColumn(Config):
    """How a further label is read, learnt and ranked by."""

    positive: PositiveRule = Field(default=None, exclude_if=lambda positive: positive is None)
    """Which cells are a 1, as `columns.positive` says of the label; without it, labels are 0 and 1. A missing cell is not learnt from."""
    weight: Annotated[float, Field(gt=0.0, le=1_000.0)] = 1.0
    """Weight of its mean log-loss in training, beside that of the label, which is 1."""
    exponent: Exponent = 0.0
    """Exponent of its probability in the score that rows are ranked by, the product of the labels' probabilities to their exponents."""
