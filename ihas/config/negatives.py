"""Settings `columns.negatives`: items that are drawn where a table holds positives only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config

MAX_PER_POSITIVE = 50


class NegativesConfig(Config):
    """How negatives are drawn for a table of which each row is an item that a user took."""

    per_positive: Annotated[int, Field(ge=1, le=MAX_PER_POSITIVE)] = 4
    """Number of items drawn for each positive row. Each makes a row with label 0: the positive's context with the item's fields."""
    draw: Literal["uniform", "popularity"] = "uniform"
    """`uniform`: every item of the training rows alike; `popularity`: in proportion to its training rows. Never an item that the user
    took in the same part or an earlier one."""
