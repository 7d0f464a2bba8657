"""Settings `learning.encoding`: how cells become ids."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count


class EncodingConfig(Config):
    """How the cells of a table are encoded as ids."""

    min_count: Count = 2
    """Minimum number of training rows with a value. Rarer values get the id of unknown values, 0."""
    numeric: Literal["buckets", "piecewise", "auto"] = Field(default="buckets", exclude_if=lambda numeric: numeric == "buckets")
    """How a numeric field is encoded. `buckets`: the numbers between two edges share an embedding; `piecewise`: each edge is a knot with an
    embedding, and a number has the mix of the two beside it, in quarters of the way; `auto`: a run trains a plain model on each, on up to
    100,000 rows, and validation chooses. Where nothing is trained, as in `ihas inspect`, `auto` is `buckets`."""
    num_buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    """Number of buckets of a numeric field, or of pieces between knots; the edges are quantiles of the training rows."""
    max_values: Count = 8
    """Maximum number of values read from a multi-valued cell; further values are dropped."""
