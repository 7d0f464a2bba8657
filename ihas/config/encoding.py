"""Settings `learning.encoding`: how cells become ids."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count


class EncodingConfig(Config):
    """How the cells of a table are encoded as ids."""

    min_count: Count = 2
    """Minimum number of training rows with a value. Rarer values get the id of unknown values, 0."""
    num_buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    """Number of buckets of a numeric field; the edges are quantiles of the training rows."""
    max_values: Count = 8
    """Maximum number of values read from a multi-valued cell; further values are dropped."""
