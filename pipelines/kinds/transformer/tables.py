"""A result of the kind `transformer` for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from ihas_pipelines.kinds.transformer.values import TransformerResult
from ihas_pipelines.reports.terminal_tables import ranking_table


def transformer_tables(result: TransformerResult) -> Iterable[RenderableType]:
    """Verdict and metrics, beside those of popularity."""
    yield Text(result.verdict, style="bold")
    methods = (("popularity", result.popularity, None), ("transformer", result.test, result.gain))
    yield ranking_table(f"Full ranking on {result.test.rows:,} test rows", methods, "popularity")
