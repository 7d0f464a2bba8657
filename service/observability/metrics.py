"""Metrics for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ihas_service.models.drift import RoutingMetrics
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.feedback import GroupCounts
from ihas_service.storage.job_store import JobStore

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
VERSION = ("tenant", "model", "version")
GROUP = (*VERSION, "group")
ONLINE = {
    "ihas_group_drift": ("Population stability index of the groups, served rows against training rows.", VERSION),
    "ihas_gate_drift": ("Population stability index of a field's gates, served rows against training rows.", (*VERSION, "field")),
    "ihas_margin_drift": ("Population stability index of what a field adds to the margin between two groups.", (*VERSION, "field")),
    "ihas_far_share": ("Share of served rows far from every group, or between two; .01 of the training rows are.", VERSION),
    "ihas_group_share": ("Share of each group in the served rows.", GROUP),
    "ihas_click_through": ("Clicks per impression over a week.", GROUP),
    "ihas_calibration": ("Mean score over click-through, over a week.", GROUP),
}
People = Callable[[], Iterable[tuple[str, str, GroupCounts]]]
"""Counts of a week by tenant and model."""
Degraded = Callable[[], Iterable[tuple[ModelVersion, int]]]
"""Champions in memory, each with how many of its groups the shared model serves."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """What `/metrics` shows."""

    def __init__(self, store: JobStore) -> None:
        self._registry = CollectorRegistry()
        self._found: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._registry.register(JobCollector(store))
        labels = ("route", "method", "status")
        self._requests = Counter("ihas_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "ihas_request_seconds", "Seconds until an answer began.", ("route", "method"), buckets=BUCKETS, registry=self._registry
        )

        self._fallbacks = Counter(
            "ihas_fallback_rows", "Rows that the shared model scored, their group's own having failed.", VERSION, registry=self._registry
        )
        self._dropped = Counter("ihas_dropped_answers", "Answers that were neither kept nor shadowed.", registry=self._registry)

    def watch(self, degraded: Degraded) -> None:
        """Show how many groups the shared model serves, whenever the figures are asked for."""
        self._registry.register(DegradedCollector(degraded))

    def watch_online(self, routing: Callable[[], Mapping[tuple[str, str, int], RoutingMetrics]], people: People) -> None:
        """Show how rows are routed and what people did, whenever the figures are asked for."""
        self._registry.register(RoutingCollector(routing, people))

    def fall_back(self, version: ModelVersion, rows: int) -> None:
        """Count rows that the shared model scored in the place of a group's own."""
        self._fallbacks.labels(version.tenant, version.name, str(version.version)).inc(rows)

    def drop(self) -> None:
        """Count an answer that found its queue full."""
        self._dropped.inc()

    def observe(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count one request; a path that no route takes counts as `unmatched`."""
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        method = scope["method"] if scope["method"] in METHODS else "other"
        requests, latency = self._figures(route, method, status)
        requests.inc()
        latency.observe(seconds)

    def _figures(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """Those of one label set; kept, because to find them again costs more than to count."""
        found = self._found.get((route, method, status))
        if found is None:
            found = self._requests.labels(route, method, str(status)), self._seconds.labels(route, method)
            self._found[route, method, status] = found
        return found

    def page(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self._registry)


class DegradedCollector(Collector):
    """Reads the models in memory when the figures are asked for."""

    def __init__(self, degraded: Degraded) -> None:
        self._degraded = degraded

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name without figures."""
        yield _degraded()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Groups of each champion that are served by its shared model."""
        found = _degraded()
        for version, groups in self._degraded():
            found.add_metric([version.tenant, version.name, str(version.version)], groups)
        yield found


class RoutingCollector(Collector):
    """Reads how rows were routed, and what people did, when the figures are asked for."""

    def __init__(self, routing: Callable[[], Mapping[tuple[str, str, int], RoutingMetrics]], people: People) -> None:
        self._routing, self._people = routing, people

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Names without figures."""
        for name, (words, labels) in ONLINE.items():
            yield GaugeMetricFamily(name, words, labels=labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Figures of every version that was asked."""
        families = {family.name: family for family in self.describe()}
        for (tenant, model, version), figures in list(self._routing().items()):
            self._routed(families, [tenant, model, str(version)], figures)
        for tenant, model, counts in self._people():
            labels = [tenant, model, str(counts.version), str(counts.group)]
            families["ihas_click_through"].add_metric(labels, counts.clicks / counts.impressions)
            if counts.clicks:
                families["ihas_calibration"].add_metric(labels, counts.scored / counts.clicks)
        yield from families.values()

    def _routed(self, families: Mapping[str, GaugeMetricFamily], labels: list[str], figures: RoutingMetrics) -> None:
        families["ihas_group_drift"].add_metric(labels, figures.group_drift)
        families["ihas_far_share"].add_metric(labels, figures.far_share)
        for name, drift in figures.gate_drifts.items():
            families["ihas_gate_drift"].add_metric([*labels, name], drift)
        for name, drift in figures.margin_drifts.items():
            families["ihas_margin_drift"].add_metric([*labels, name], drift)
        for group, share in enumerate((figures.seen.rows / figures.seen.total).tolist()):
            families["ihas_group_share"].add_metric([*labels, str(group)], share)


class JobCollector(Collector):
    """Reads the job table when the figures are asked for."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Names without figures, so that registering reads nothing."""
        yield _jobs()
        yield _stages()
        yield _children()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Jobs by state, running ones by stage, and children at work."""
        jobs, stages, children = _jobs(), _stages(), _children()
        for state, count in self._store.counts().items():
            jobs.add_metric([state], count)
        for stage, count in self._store.stages().items():
            stages.add_metric([stage], count)
        children.add_metric([], self._store.children())
        yield jobs
        yield stages
        yield children


def _degraded() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "ihas_degraded_groups", "Groups whose own model failed its check; the shared model serves them.", labels=VERSION
    )


def _jobs() -> GaugeMetricFamily:
    return GaugeMetricFamily("ihas_jobs", "Jobs by state.", labels=("state",))


def _stages() -> GaugeMetricFamily:
    return GaugeMetricFamily("ihas_running_jobs", "Running jobs by stage.", labels=("stage",))


def _children() -> GaugeMetricFamily:
    return GaugeMetricFamily("ihas_children", "Children of workers that carry out a job.", labels=())
