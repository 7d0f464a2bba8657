"""A result of the kind `size-sweep` for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich.box import SIMPLE
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ihas.sequential.scaling.advised import Advice
from ihas_pipelines.kinds.size_sweep.values import SizeSweepResult
from ihas_pipelines.reports.terminal_tables import plain_table


def size_sweep_tables(result: SizeSweepResult) -> Iterable[RenderableType]:
    """The trained sizes, and the advice where there is a budget."""
    rows = [(f"{one.num_layers} x {one.dim}", f"{one.parameters:,}", float(np.mean(one.losses)), one.ndcg) for one in result.sizes]
    yield plain_table(("layers x dim", "parameters", "test loss", "NDCG@10"), rows)
    if result.advice is not None:
        yield advice_table(result.advice)
    yield Text(result.verdict)


def advice_table(advice: Advice) -> RenderableType:
    """Sizes that a budget allows, the advised one marked."""
    table = Table("layers x dim", title="Sizes within the budget", title_justify="left", box=SIMPLE)
    for name in ("parameters", "seconds", "predicted loss [95 %]", "trained already", "advised"):
        table.add_column(name, justify="right")
    for size in advice.considered:
        loss = "" if size.loss is None else f"{size.loss.difference:.3f} [{size.loss.low:.3f}, {size.loss.high:.3f}]"
        marks = "yes" if size.measured else "", "*" if size == advice.choice else ""
        table.add_row(f"{size.num_layers} x {size.dim}", f"{size.parameters:,}", f"{size.seconds:,.0f}", loss, *marks)
    return table
