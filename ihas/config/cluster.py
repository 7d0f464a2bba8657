"""Settings `learning.cluster`: groups of instances."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Count, Fraction, invalid


class ClusterConfig(Config):
    """Stage 2: clustering of instances by their deterministic gates."""

    num_groups: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    """Candidate numbers of groups; validation chooses one. Without it 2, 3 and 4, and more, up to 16, while the largest is chosen."""
    on: Annotated[tuple[Literal["masked", "mask", "openness", "values"], ...], Field(min_length=1)] = ("masked", "openness", "values")
    """Candidate inputs of K-means; validation chooses one. `masked`: the masked embedding e*z (the paper's method); `mask`: the gates z;
    `openness`: the mean gate activation of each field; `values`: the mean gates of each value of the field that tells most of the other
    fields' gates, so that rows that share its value share a group. `values` needs a router that is not `centroids`."""
    router: Literal["auto", "additive", "centroids"] = "auto"
    """What assigns every row to its group, in training and serving. `additive`: numbers per id, summed over the fields and fitted to
    the K-means groups; `centroids`: gates and the nearest centroid of K-means. `auto`: additive where it agrees with K-means on at
    least 95 % of the validation rows, otherwise validation chooses one of both."""
    min_group_fraction: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.05
    """Minimum share of the training rows in each group. A number of groups with a smaller group is not chosen; if no number remains,
    all rows are one group."""
    max_rows: Count = 50_000
    """Maximum number of training rows that K-means is fitted on. The rest are assigned to the nearest centroid."""
    thresholds: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    """Candidate thresholds of each group's mask. A group keeps the dimensions whose mean gate reaches its threshold."""

    @model_validator(mode="after")
    def _values_need_sums(self) -> Self:
        if self.router == "centroids" and set(self.on) == {"values"}:
            raise invalid("`on` must name more than `values` where `router` is `centroids`, but got ('values',). Drop `router`.")
        return self
