"""Settings `budget`: what a run must keep within."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count


class BudgetConfig(Config):
    """What a run must keep within; a limit left out is none. The result certifies every limit, and a run that cannot keep one fails."""

    wall_s: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Seconds that one attempt may take."""
    parameters: Count | None = None
    """Parameters that the served variant may store, router and all paths."""
    groups: Count | None = None
    """Groups that the served variant may have; no more are tried unless `cluster.num_groups` states them."""
    p99_ms: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Milliseconds within which the bundle must score one row, 99 times of 100, on the machine of the run, alone and without HTTP."""
