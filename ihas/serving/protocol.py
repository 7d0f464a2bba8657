"""What every recommender does, and where it says what else it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from ihas.serving.answers import Recommendation, RecommendRequest, Scored
from ihas.serving.capabilities import (
    AppendsInteractions,
    BatchScoring,
    ColdStartModel,
    DescribesItems,
    GroupRouting,
    RoutingObserver,
    RowModel,
    TableModel,
)

NONE_DEGRADED: Mapping[int, str] = MappingProxyType({})


class Recommender(Protocol):
    """Anything that scores rows and recommends items; safe to call from several threads.

    **Capabilities.** Each property below `recommend` is an object that does what its protocol says, usually the recommender itself, or
    None where the recommender cannot. Whoever needs a capability asks the property, never the class. An implementation that inherits
    from this protocol has none of them until it overrides the property.
    """

    @property
    def name(self) -> str:
        """Model name."""

    @property
    def summary(self) -> dict[str, Any]:
        """What the run behind it found. JSON values only."""

    def score(self, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        """Probability of a click for each row, in order.

        Args:
            rows: value of each field, context and item alike; a field left out is missing.
            explain: whether to say why.

        Raises:
            RequestError: with a pointer into `/rows`.
        """

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """The best items for a context.

        Args:
            request: which items, for whom.
            recommendation_id: name of the answer.

        Raises:
            RequestError: with a pointer into the request.
        """

    @property
    def degraded(self) -> Mapping[int, str]:
        """Groups whose own model failed its check, which the shared model serves, each with the reason."""
        return NONE_DEGRADED

    @property
    def batches(self) -> BatchScoring | None:
        """Scoring of several requests in one call."""
        return None

    @property
    def groups(self) -> GroupRouting | None:
        """Routing to groups, and what each group's model would answer."""
        return None

    @property
    def routing(self) -> RoutingObserver | None:
        """Counts of how rows are routed, for drift."""
        return None

    @property
    def table(self) -> TableModel | None:
        """Fields that requests may state; such a model can be complemented by a cold-start model."""
        return None

    @property
    def rows(self) -> RowModel | None:
        """What training rows look like; those of `table` where there is one."""
        return self.table

    @property
    def item_updates(self) -> DescribesItems | None:
        """Item fields that change without a new model."""
        return None

    @property
    def interactions(self) -> AppendsInteractions | None:
        """Addition of interactions without training."""
        return None

    @property
    def cold_start(self) -> ColdStartModel | None:
        """Recommendations from histories, for users whom another model does not know."""
        return None


def predicts_numbers(recommender: Recommender) -> bool:
    """Whether the label is a number, so that answers have the one expected."""
    table = recommender.table
    return table is not None and table.schema.numbers is not None


def several_labels(recommender: Recommender) -> tuple[str, ...]:
    """Names of the labels that answers have a probability of each, in `scores`; empty where there is one."""
    return () if recommender.table is None else tuple(recommender.table.schema.exponents)
