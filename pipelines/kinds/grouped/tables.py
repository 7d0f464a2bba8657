"""A result of the kind `grouped` for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ihas.results.run_result import GroupResult, RunResult, VariantResult
from ihas_pipelines.reports.terminal_tables import decimal, frontier_table, gain, most_kept


def run_tables(result: RunResult) -> Iterable[RenderableType]:
    """Verdict, variants, frontier and groups of a run."""
    yield Text(result.verdict, style="bold")
    yield _variants(result)
    if result.tasks:
        yield _tasks(result)
    if result.frontier:
        yield frontier_table(result.frontier, result.chosen)
    if result.tasks:
        return
    if not serves_by_group(result):
        yield Text(f"`{result.chosen}` serves all rows alike; these groups are what the search found, and route no request.")
    yield _groups(result)


def serves_by_group(result: RunResult) -> bool:
    """Whether the groups have models of their own in what is served."""
    return next(one.num_groups for one in result.variants if one.name == result.chosen) > 1


def _variants(result: RunResult) -> Table:
    table = Table("variant", title=f"Variants on {result.rows['test']:,} test rows", title_justify="left", box=SIMPLE)
    reference = "base" if result.refresh is None else result.variants[0].name
    for name in ("AUC", f"minus {reference} [95 %]", "log-loss", "params/model", "stored", "dims"):
        table.add_column(name, justify="right", no_wrap=not name.startswith("minus"))
    for variant in result.variants:
        table.add_row(
            _variant_name(variant, result.chosen),
            decimal(variant.test.auc),
            gain(variant.gain),
            decimal(variant.test.log_loss),
            f"{variant.cost.parameters_per_path:,.0f}",
            f"{variant.cost.parameters_total:,}",
            f"{variant.cost.kept_dims:,.0f}",
        )
    return table


def _tasks(result: RunResult) -> Table:
    table = Table("label", title="Labels, as what is served predicts them", title_justify="left", box=SIMPLE)
    for name in ("exponent", "test rows", "AUC", "log-loss", "calibration error", "validation AUC"):
        table.add_column(name, justify="right")
    for one in result.tasks:
        error = None if one.calibration is None else one.calibration.error
        cells = (decimal(one.test.auc), decimal(one.test.log_loss), decimal(error), decimal(one.valid.auc))
        table.add_row(one.name, f"{one.exponent:g}", f"{one.test.rows:,}", *cells)
    return table


def _variant_name(variant: VariantResult, chosen: str) -> Text:
    if variant.name == chosen:
        return Text(f"{variant.name} (chosen)", style="bold")
    return Text(variant.name + (" (control)" if variant.role == "control" else ""))


def _groups(result: RunResult) -> Table:
    table, keeps = Table.grid(padding=(0, 1)), "keeps" if serves_by_group(result) else "its own mask would keep"
    for group in result.groups:
        kept = dict(zip(result.fields, group.kept_dims, strict=True))
        table.add_row(Text(f"Group {group.group}", style="bold"), Text(_who(group)))
        table.add_row("", Text(f"typical: {', '.join(group.typical[:3])}"))
        table.add_row("", Text(f"{keeps} {sum(group.kept_dims)} of {len(kept) * result.dim} dims: {most_kept(kept)}"))
    return table


def _who(group: GroupResult) -> str:
    auc = f"AUC {decimal(group.test.auc)} (base {decimal(group.base_test.auc)})"
    return f"{group.share:.0%} of the rows, {group.click_rate:.1%} clicks, {auc}, model {group.path}"
