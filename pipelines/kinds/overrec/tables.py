"""A result of the kind `overrec` for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from ihas_pipelines.kinds.overrec.values import OverRecResult
from ihas_pipelines.reports.terminal_tables import ranking_table


def overrec_tables(result: OverRecResult) -> Iterable[RenderableType]:
    """Verdict and metrics of every method."""
    yield Text(result.verdict, style="bold")
    methods = ((one.name, one.test, one.gain) for one in result.contenders)
    yield ranking_table(f"Full ranking on {result.contenders[0].test.rows:,} test rows", methods, "popularity")
    yield Text("\n".join(f"{one.name}: {one.description}" for one in result.contenders))
