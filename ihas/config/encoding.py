"""Settings `learning.encoding`: how cells become ids."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count


class EncodingConfig(Config):
    """How cells become ids."""

    min_count: Count = 2
    """Values seen in fewer training rows than this get the unknown id, 0."""
    num_buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    """Buckets of a numeric field, cut at the training quantiles."""
    max_values: Count = 8
    """Values kept of a cell with several; the rest of the cell is dropped."""
