"""Requests and responses about events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import FailFast, Field, model_validator

from ihas.bundle.reference import FAR_SHARE
from ihas.config.base import Config, invalid
from ihas.rates import stability, wilson
from ihas.serving.protocol import Recommender
from ihas_service.http.schemas.instants import Instant
from ihas_service.http.schemas.searches import Name
from ihas_service.http.schemas.trials import TrialOnline
from ihas_service.models.drift import RoutingMetrics
from ihas_service.models.response_log import ShadowMetrics
from ihas_service.models.traffic_split import TrafficSplit
from ihas_service.storage.feedback import GroupCounts
from ihas_service.storage.positive import KIND_PATTERN

MAX_EVENTS = 1_000


class EventReport(Config):
    """What a person did: with an item of a recommendation, or, without one, with an item in a context."""

    recommendation_id: Annotated[str, Field(max_length=64)] | None = None
    """Id of the recommendation that contained the item."""
    model: Name | None = None
    """Without a recommendation: the model whose rows such events become."""
    context: dict[str, Any] | None = None
    """Without a recommendation: values of the model's context fields; one that is left out is missing."""
    item_id: Annotated[str, Field(max_length=255)]
    """The item."""
    kind: Annotated[str, Field(pattern=KIND_PATTERN)]
    """`impression`: it was shown; `click`: it was chosen; or another short name, such as `cart`, `purchase` or `rating`."""
    value: float | None = None
    """What goes with the event, such as the stars of a rating or the price of a purchase."""
    at: Instant | None = None
    """When it happened; with a recommendation, as it is reported by default."""

    @model_validator(mode="after")
    def _belongs_to_one_thing(self) -> Self:
        if self.recommendation_id is None and (self.model is None or self.context is None or self.at is None):
            raise invalid("An event must have `recommendation_id`, or else `model`, `context` and `at`. State the one or the others.")
        if self.recommendation_id is not None and (self.model is not None or self.context is not None):
            raise invalid("An event with `recommendation_id` has model and context by it. Leave out `model` and `context`.")
        return self


class EventsReport(Config):
    """Events to report."""

    events: Annotated[tuple[EventReport, ...], Field(max_length=MAX_EVENTS), FailFast()]
    """In any order."""


class RejectedEvent(Config):
    """An event that refers to no known recommendation or item."""

    index: int
    """Index of the event in the report, from 0."""
    detail: str
    """Why."""


class EventsAccepted(Config):
    """Outcome of a report."""

    accepted: int
    """Number of accepted events."""
    rejected: tuple[RejectedEvent, ...]
    """Rejected events."""


class GroupOnline(Config):
    """Impressions and clicks of one group of one version."""

    version: int
    """Version that recommended them."""
    group: int
    """The group."""
    impressions: int
    """Items shown."""
    clicks: int
    """Items clicked."""
    click_through: float
    """Clicks per impression."""
    low: float
    """Lower end of its 95 % interval (Wilson 1927)."""
    high: float
    """Upper end."""
    calibration: float | None
    """Mean score of the shown items over the click-through; 1 is calibrated, absent without clicks."""
    share: float
    """Share of the version's impressions."""


class ShadowOnline(Config):
    """Comparison of a shadow with the served version, in the answering process, since its start."""

    version: int
    """The shadow."""
    requests: int
    """Requests that both answered."""
    failures: int
    """Requests that failed on the shadow."""
    mean_difference: float | None
    """Mean absolute difference of the scores of the same rows."""
    mean_ms: float | None
    """Mean milliseconds per request of the shadow."""


class RoutedGroup(Config):
    """Rows of one group."""

    group: int
    """The group."""
    share: float
    """Share of the rows."""
    training_share: float
    """Its share of the training rows."""
    far_share: float | None
    """Share of its rows that are far from every group; absent without rows."""


class RoutingOnline(Config):
    """Routing of the champion's rows compared with its training rows; in the answering process, over about the last 100,000 rows.

    Rows are scored rows and recommended items; under load a sample of them.
    """

    rows: int
    """Number of rows."""
    group_drift: float
    """Population stability index of the groups: sum over groups of (p - q) ln(p / q), p the share of rows, q that of training rows."""
    gate_drift: float | None
    """Mean over gates of the population stability index of open and closed; absent where the model computes no gates."""
    gate_drift_of_field: dict[str, float]
    """The same over each field's gates; empty where the model computes none."""
    margin_drift: float | None
    """Where sums of numbers per id say the group: population stability index of the margin, the largest sum minus the second largest, over
    ten bins between the deciles of the training rows. Absent where the nearest centroid says the group."""
    margin_drift_of_field: dict[str, float]
    """The same of what each field adds to the margin; empty where the nearest centroid says the group."""
    far_share: float
    """Share of rows far from every group: further from the nearest than all but `training_far_share` of the training rows. Where sums say
    the group, share of rows between two groups: with a smaller margin than all but `training_far_share` of the training rows."""
    training_far_share: float
    """What it was on training rows."""
    groups: tuple[RoutedGroup, ...]
    """By number."""


class Online(Config):
    """Online metrics of a model."""

    model: str
    """The model."""
    within_s: float
    """Length of the period until now in seconds."""
    groups: tuple[GroupOnline, ...]
    """By version and group."""
    drift: float | None
    """Population stability index of the champion's groups, shown items against training rows: sum (p - q) ln(p / q); above .25 the
    rows have changed (common reading). Absent without impressions."""
    routing: RoutingOnline | None
    """Routing of the champion's rows; absent for a single group, or without rows."""
    shadows: tuple[ShadowOnline, ...]
    """Shadow versions."""
    trial: TrialOnline | None = None
    """The latest trial: canaries against the champion since the plan of traffic changed; absent where there was none."""


def online(
    name: str,
    within_s: float,
    counts: Sequence[GroupCounts],
    split: TrafficSplit | None,
    shadows: Mapping[int, ShadowMetrics],
    routing: RoutingMetrics | None = None,
) -> Online:
    """Online metrics of counts."""
    totals: dict[int, int] = {}
    for one in counts:
        totals[one.version] = totals.get(one.version, 0) + one.impressions
    return Online(
        model=name,
        within_s=within_s,
        groups=tuple(_group(one, totals[one.version]) for one in counts),
        drift=None if split is None else _drift(counts, split),
        routing=None if routing is None else _routing(routing),
        shadows=tuple(_shadow(version, figures) for version, figures in sorted(shadows.items())),
    )


def _group(counts: GroupCounts, total: int) -> GroupOnline:
    low, high = wilson(counts.clicks, counts.impressions)
    return GroupOnline(
        version=counts.version,
        group=counts.group,
        impressions=counts.impressions,
        clicks=counts.clicks,
        click_through=counts.clicks / counts.impressions,
        low=low,
        high=high,
        calibration=counts.scored / counts.clicks if counts.clicks else None,
        share=counts.impressions / total,
    )


def _drift(counts: Sequence[GroupCounts], split: TrafficSplit) -> float | None:
    expected = _training_shares(split.champion.recommender)
    shown = {one.group: one.impressions for one in counts if one.version == split.champion.version.version}
    total = sum(shown.values())
    if not total or not expected or not set(shown) <= set(expected):
        return None
    return stability([shown.get(group, 0) / total for group in expected], list(expected.values()))


def _training_shares(recommender: Recommender) -> Mapping[int, float]:
    """Share of the training rows of each group; empty for a single group, or where it is not known."""
    groups = recommender.groups
    return {} if groups is None or groups.num_groups == 1 else groups.training_shares


def _routing(figures: RoutingMetrics) -> RoutingOnline:
    seen, shares = figures.seen, figures.reference.shares.tolist()
    counts = zip(seen.rows.tolist(), seen.far.tolist(), shares, strict=True)
    groups = [
        RoutedGroup(group=group, share=rows / seen.total, training_share=share, far_share=far / rows if rows else None)
        for group, (rows, far, share) in enumerate(counts)
    ]
    return RoutingOnline(
        rows=figures.rows,
        group_drift=figures.group_drift,
        gate_drift=figures.gate_drift,
        gate_drift_of_field=dict(figures.gate_drifts),
        margin_drift=figures.margin_drift,
        margin_drift_of_field=dict(figures.margin_drifts),
        far_share=figures.far_share,
        training_far_share=FAR_SHARE,
        groups=tuple(groups),
    )


def _shadow(version: int, figures: ShadowMetrics) -> ShadowOnline:
    return ShadowOnline(
        version=version,
        requests=figures.requests,
        failures=figures.failures,
        mean_difference=figures.difference / figures.rows if figures.rows else None,
        mean_ms=figures.seconds / figures.requests * 1e3 if figures.requests else None,
    )
