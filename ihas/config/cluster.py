"""Settings `learning.cluster`: groups of instances."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count, Fraction


class ClusterConfig(Config):
    """Stage 2: groups of instances by their deterministic gate outputs."""

    num_groups: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    """Numbers of groups to try, validation chooses; without it 2, 3 and 4, and one more, up to 16, while the most is chosen."""
    on: Annotated[tuple[Literal["masked", "mask", "openness"], ...], Field(min_length=1)] = ("masked", "openness")
    """What K-means may see: the masked embedding e*z (the paper's method), the gates z alone, or how open the gates of each field are;
    validation chooses."""
    min_group_fraction: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.05
    """Smallest share of training rows a group may have; with a smaller one, that number of groups is not chosen;
    where none is left, all rows are one group."""
    max_rows: Count = 50_000
    """Training rows that K-means is fitted on; the rest are assigned to the nearest centroid."""
    thresholds: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    """Candidates of the threshold searcher: a group keeps the dimensions whose mean gate reaches the threshold."""
