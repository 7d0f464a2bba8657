"""A result of the kind `transfer` for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from ihas_pipelines.kinds.transfer.values import Transfer
from ihas_pipelines.reports.terminal_tables import ranking_table


def transfer_tables(result: Transfer) -> Iterable[RenderableType]:
    """Metrics on the first domain, trained on it alone and on both."""
    yield Text(result.verdict, style="bold")
    methods = (("alone", result.alone, None), ("both", result.both, result.difference))
    yield ranking_table(f"Full ranking on {result.alone.rows:,} test rows of the first domain", methods, "alone")
