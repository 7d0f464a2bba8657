"""Settings `budget`: what a run must keep within."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count


class BudgetConfig(Config):
    """Limits that a run must keep. A limit that is left out does not apply. A run that breaks a limit fails."""

    wall_s: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Maximum wall time of one attempt, in seconds."""
    parameters: Count | None = None
    """Maximum number of parameters of the served variant: router and all group models."""
    multiply_adds: Count | None = None
    """Maximum number of multiply-adds of one row of the served variant, routing included. Without it, those of the plain model and a tenth:
    what costs more, such as more members or the teacher, is chosen only where this admits it."""
    groups: Count | None = None
    """Maximum number of groups of the served variant. Larger numbers are not tried unless `cluster.num_groups` states them."""
    p99_ms: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Maximum 99th percentile of the time to score one row, in milliseconds, measured on the machine of the run, without HTTP."""
