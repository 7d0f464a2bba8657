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
    """Maximum number of multiply-adds of one row of the served variant, routing included. Without it and without `candidates_p99_ms`, those
    of the plain model and a tenth, and as many parameters as it has and a tenth in the model that answers a row: what costs more, such as
    more members or the teacher, is chosen only where one of the two admits it."""
    groups: Count | None = None
    """Maximum number of groups of the served variant. Larger numbers are not tried unless `cluster.num_groups` states them."""
    p99_ms: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Maximum 99th percentile of the time to score one row, in milliseconds, measured on the machine of the run, without HTTP."""
    candidates_p99_ms: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Maximum 99th percentile of the time to score `candidates` items of one context, in milliseconds, measured as `p99_ms` is. Where it is
    stated and `multiply_adds` is not, it is what a request may cost: candidates dearer than the plain model may be chosen too."""
    candidates: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Number of candidates of one context that latencies are measured with: those of `candidates_p99_ms` and of the frontier. No limit."""
    memory_bytes: Count | None = None
    """Maximum number of bytes that the served model's tables, graphs and item arrays take in memory."""

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are stated, by name."""
        return self.model_dump(exclude_none=True, exclude={"candidates"})

    @property
    def admits_larger(self) -> bool:
        """Whether candidates that cost more than the plain model by design may be chosen."""
        return self.multiply_adds is not None or self.candidates_p99_ms is not None
