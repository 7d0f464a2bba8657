"""What goes over the wire about events, by role."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import FailFast, Field

from ihas.bundle.values import FAR_SHARE
from ihas.config.base import Config
from ihas.serving.protocol import Recommender
from service.models.drift import RoutingMetrics, stability
from service.models.response_log import ShadowMetrics
from service.models.traffic_split import TrafficSplit
from service.storage.feedback import GroupCounts

MAX_EVENTS = 1_000


class EventReport(Config):
    """Something that a person saw or did."""

    recommendation_id: Annotated[str, Field(max_length=64)]
    """The answer that held the item."""
    item_id: Annotated[str, Field(max_length=255)]
    """The item."""
    kind: Literal["impression", "click"]
    """`impression`: it was shown; `click`: it was chosen."""


class EventsReport(Config):
    """Events to report."""

    events: Annotated[tuple[EventReport, ...], Field(max_length=MAX_EVENTS), FailFast()]
    """In any order."""


class RejectedEvent(Config):
    """An event that belongs to nothing known."""

    index: int
    """Its place in the report, from 0."""
    detail: str
    """Why."""


class EventsAccepted(Config):
    """What became of a report."""

    accepted: int
    """Events that count."""
    rejected: tuple[RejectedEvent, ...]
    """Events that do not."""


class GroupOnline(Config):
    """What people did with one group's items, of one version."""

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
    """How a shadow answers beside the version that is heard, in the process that was asked, since it started."""

    version: int
    """The shadow."""
    requests: int
    """Requests that both answered."""
    failures: int
    """Requests that the shadow answered with an error."""
    mean_difference: float | None
    """Mean absolute difference of the scores of the same rows."""
    mean_ms: float | None
    """Milliseconds a request took the shadow, on average."""


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
    """How the champion's rows are routed, against its training rows; in the process that was asked, the last 100,000 rows or so.

    Rows are those that were scored, and the items that were recommended; under load a sample of them.
    """

    rows: int
    """Rows that count."""
    group_drift: float
    """Population stability index of the groups: sum over groups of (p - q) ln(p / q), p the share of rows, q that of training rows."""
    gate_drift: float
    """Mean over gates of the population stability index of open and closed."""
    gate_drift_of_field: dict[str, float]
    """The same over each field's gates."""
    far_share: float
    """Share of rows far from every group: further from the nearest than all but `training_far_share` of the training rows."""
    training_far_share: float
    """What it was on training rows."""
    groups: tuple[RoutedGroup, ...]
    """By number."""


class Online(Config):
    """What became of a model's answers."""

    model: str
    """The model."""
    within_s: float
    """Seconds back from now that count."""
    groups: tuple[GroupOnline, ...]
    """By version and group."""
    drift: float | None
    """Population stability index of the champion's groups, shown items against training rows: sum (p - q) ln(p / q); above .25 the
    rows have changed (common reading). Absent without impressions."""
    routing: RoutingOnline | None
    """How the champion's rows are routed; absent where one model serves all, or without rows."""
    shadows: tuple[ShadowOnline, ...]
    """Versions that answered unheard."""


def online(
    name: str,
    within_s: float,
    counts: Sequence[GroupCounts],
    split: TrafficSplit | None,
    shadows: Mapping[int, ShadowMetrics],
    routing: RoutingMetrics | None = None,
) -> Online:
    """Figures of counts."""
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


def wilson(clicks: int, impressions: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927): (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    rate, spread = clicks / impressions, z * z / impressions
    middle = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / impressions + spread / (4 * impressions))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def _drift(counts: Sequence[GroupCounts], split: TrafficSplit) -> float | None:
    expected = _training_shares(split.champion.recommender)
    shown = {one.group: one.impressions for one in counts if one.version == split.champion.version.version}
    total = sum(shown.values())
    if not total or not expected or not set(shown) <= set(expected):
        return None
    return stability([shown.get(group, 0) / total for group in expected], list(expected.values()))


def _training_shares(recommender: Recommender) -> Mapping[int, float]:
    """Share of the training rows of each group that is served; empty where one model serves all, or it is not known."""
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
