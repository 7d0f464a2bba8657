"""Parts of the tables that results are shown in on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from ihas.results.run_result import FrontierPoint, Interval
from ihas.sequential.data.ranking import RankingMetrics

SHOWN_FIELDS = 6


def plain_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows under names, as they are; what is absent is a dash."""
    table = Table(*names, box=SIMPLE)
    for row in rows:
        table.add_row(*("–" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row))
    return table


def ranking_table(title: str, methods: Iterable[tuple[str, RankingMetrics, Interval | None]], against: str) -> Table:
    """A row for each method: its ranking metrics, and its gain in NDCG@10 over the method `against`."""
    table = Table("method", title=title, title_justify="left", box=SIMPLE)
    for name in ("HR@5", "HR@10", "NDCG@10", "MRR", f"NDCG@10 minus {against} [95 %]"):
        table.add_column(name, justify="right")
    for name, test, own_gain in methods:
        table.add_row(name, *map(decimal, (test.hit_rate[5], test.hit_rate[10], test.ndcg[10], test.mrr)), gain(own_gain))
    return table


def frontier_table(points: Sequence[FrontierPoint], chosen: str, versions: Mapping[str, int | None] = MappingProxyType({})) -> Table:
    """A row for each point, cheapest first: quality on test rows, costs, 99th percentiles of measured latencies in microseconds.

    Args:
        points: the frontier.
        chosen: name of the point that is served.
        versions: the model's versions that serve points, by the point's name.
    """
    count = points[0].candidates if points else 0
    table = Table("point", title="Frontier, on test rows", title_justify="left", box=SIMPLE)
    for name in ("AUC", "log-loss", "mult-adds", "params", "MB", "us/row", f"us/{count}", *(["version"] if versions else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for one in points:
        sizes = (f"{one.multiply_adds:,.0f}", f"{one.parameters:,}", f"{one.memory_bytes / 1e6:.2f}")
        times = (f"{one.row_p99_us:,.0f}", f"{one.candidates_p99_us:,.0f}")
        version = (str(versions.get(one.name) or "–"),) if versions else ()
        shown = Text(f"{one.name} (chosen)", style="bold") if one.name == chosen else Text(one.name)
        table.add_row(shown, decimal(one.test.auc), decimal(one.test.log_loss), *sizes, *times, *version)
    return table


def decimal(value: float | None) -> str:
    """Four decimals, or a dash."""
    return "–" if value is None else f"{value:.4f}"


def gain(interval: Interval | None) -> Text:
    """A difference with its interval: green above zero, red below, plain where it cannot be told."""
    if interval is None:
        return Text("–")
    style = "green" if interval.low > 0.0 else "red" if interval.high < 0.0 else ""
    return Text(f"{interval.difference:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]", style=style)


def most_kept(kept_dims: Mapping[str, int]) -> str:
    """Fields with the most kept dimensions, as `field 12, field 9, 3 fields dropped`."""
    ranked = sorted(kept_dims.items(), key=lambda pair: -pair[1])
    shown = [f"{name} {kept}" for name, kept in ranked[:SHOWN_FIELDS] if kept]
    dropped = sum(kept == 0 for _, kept in ranked)
    return ", ".join(shown + ([f"{dropped} dropped"] if dropped else []))
