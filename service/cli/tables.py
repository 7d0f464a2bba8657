"""Results as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ihas.data.findings import FieldProfile, ValidationReport
from ihas.findings import Finding
from ihas.results.run_result import GroupResult, Interval, RunResult, VariantResult
from ihas.sequential.data.ranking import RankingMetrics
from ihas.sequential.scaling.advised import Advice
from pipelines.kinds.overrec.values import OverRecResult
from pipelines.kinds.transformer.values import TransformerResult

SHOWN_FIELDS = 6


def tables(result: RunResult | OverRecResult | TransformerResult) -> Iterable[RenderableType]:
    """What a run found, whatever its kind."""
    if isinstance(result, RunResult):
        return run_tables(result)
    return overrec_tables(result) if isinstance(result, OverRecResult) else transformer_tables(result)


def transformer_tables(result: TransformerResult) -> Iterable[RenderableType]:
    """Verdict and figures of a run of the kind `transformer`."""
    yield Text(result.verdict, style="bold")
    table = _ranking_table(result.test.rows)
    for name, test, own_gain in (("popularity", result.popularity, None), ("transformer", result.test, result.gain)):
        table.add_row(name, *_ranking_cells(test), gain(own_gain))
    yield table


def overrec_tables(result: OverRecResult) -> Iterable[RenderableType]:
    """Verdict and contenders of a run of the kind `overrec`."""
    yield Text(result.verdict, style="bold")
    table = _ranking_table(result.contenders[0].test.rows)
    for contender in result.contenders:
        table.add_row(contender.name, *_ranking_cells(contender.test), gain(contender.gain))
    yield table
    yield Text("\n".join(f"{contender.name}: {contender.description}" for contender in result.contenders))


def _ranking_table(rows: int) -> Table:
    table = Table("method", title=f"Full ranking on {rows:,} test rows", title_justify="left", box=SIMPLE)
    for name in ("HR@5", "HR@10", "NDCG@10", "MRR", "NDCG@10 minus popularity [95 %]"):
        table.add_column(name, justify="right")
    return table


def _ranking_cells(test: RankingMetrics) -> Iterable[str]:
    return map(decimal, (test.hit_rate[5], test.hit_rate[10], test.ndcg[10], test.mrr))


def advice(found: Advice) -> RenderableType:
    """Sizes that a budget allows, the advised one marked."""
    table = Table("layers x dim", title="Sizes within the budget", title_justify="left", box=SIMPLE)
    for name in ("parameters", "seconds", "loss foretold [95 %]", "trained already", "advised"):
        table.add_column(name, justify="right")
    for size in found.considered:
        loss = "" if size.loss is None else f"{size.loss.difference:.3f} [{size.loss.low:.3f}, {size.loss.high:.3f}]"
        marks = "yes" if size.measured else "", "*" if size == found.choice else ""
        table.add_row(f"{size.num_layers} x {size.dim}", f"{size.parameters:,}", f"{size.seconds:,.0f}", loss, *marks)
    return table


def run_tables(result: RunResult) -> Iterable[RenderableType]:
    """Verdict, variants and groups of a run."""
    yield Text(result.verdict, style="bold")
    yield _variants(result)
    yield _groups(result)


def plain_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows under names, as they are; what is absent is a dash."""
    table = Table(*names, box=SIMPLE)
    for row in rows:
        table.add_row(*("–" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row))
    return table


def _variants(result: RunResult) -> Table:
    table = Table("variant", title=f"Variants on {result.rows['test']:,} test rows", title_justify="left", box=SIMPLE)
    for name in ("AUC", "minus base [95 %]", "log-loss", "params/path", "stored", "dims"):
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


def _variant_name(variant: VariantResult, chosen: str) -> Text:
    if variant.name == chosen:
        return Text(f"{variant.name} (chosen)", style="bold")
    return Text(variant.name + (" (control)" if variant.role == "control" else ""))


def _groups(result: RunResult) -> Table:
    table = Table.grid(padding=(0, 1))
    for group in result.groups:
        kept = dict(zip(result.fields, group.kept_dims, strict=True))
        table.add_row(Text(f"Group {group.group}", style="bold"), Text(_who(group)))
        table.add_row("", Text(f"typical: {', '.join(group.typical[:3])}"))
        table.add_row("", Text(f"keeps {sum(group.kept_dims)} of {len(kept) * result.dim} dims: {most_kept(kept)}"))
    return table


def _who(group: GroupResult) -> str:
    auc = f"AUC {decimal(group.test.auc)} (base {decimal(group.base_test.auc)})"
    return f"{group.share:.0%} of the rows, {group.click_rate:.1%} clicks, {auc}, path {group.path}"


def most_kept(kept_dims: Mapping[str, int]) -> str:
    """Fields with the most kept dimensions, as `field 12, field 9, 3 fields dropped`."""
    ranked = sorted(kept_dims.items(), key=lambda pair: -pair[1])
    shown = [f"{name} {kept}" for name, kept in ranked[:SHOWN_FIELDS] if kept]
    dropped = sum(kept == 0 for _, kept in ranked)
    return ", ".join(shown + ([f"{dropped} dropped"] if dropped else []))


def decimal(value: float | None) -> str:
    """Four decimals, or a dash."""
    return "–" if value is None else f"{value:.4f}"


def gain(interval: Interval | None) -> Text:
    """A difference with its interval: green above zero, red below, plain where it cannot be told."""
    if interval is None:
        return Text("–")
    style = "green" if interval.low > 0.0 else "red" if interval.high < 0.0 else ""
    return Text(f"{interval.difference:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]", style=style)


def recommendation(answer: Mapping[str, Any], title: str) -> RenderableType:
    """Recommended items of an answer in its JSON form, and under them why the first one is first, where it says so."""
    table = Table("rank", "item", title=title, title_justify="left", box=SIMPLE)
    for name in ("score", "group", "margin", "runner-up"):
        table.add_column(name, justify="right")
    for item in answer["items"]:
        why = item.get("explanation") or {}
        cells = (item["rank"], item["id"], f"{item['score']:.4f}", item["group"], _rounded(why.get("margin")), why.get("runner_up"))
        table.add_row(*("–" if cell is None else str(cell) for cell in cells))
    parts: list[RenderableType] = [table]
    if answer["items"] and answer["items"][0].get("explanation"):
        parts.append(explanation(answer["items"][0]["explanation"]))
    parts += [Text(f"not in the item table: {', '.join(answer['unknown_candidates'])}")] if answer.get("unknown_candidates") else []
    parts += [Text(line) for line in _how(answer)]
    parts += [Text(f"unknown value: {cell['field']} = {cell['value']}") for cell in answer.get("unknown_values", ())]
    return Group(*parts)


def _how(answer: Mapping[str, Any]) -> list[str]:
    """How the items came to be scored, where that was not by each group's own model over all candidates."""
    retrieved, degraded = answer.get("retrieved"), answer.get("degraded_groups")
    lines = [f"retrieved: {retrieved['items']:,} of {retrieved['of_items']:,} items ({retrieved['method']})"] if retrieved else []
    return lines + ([f"served by the shared model: groups {', '.join(map(str, degraded))}"] if degraded else [])


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def explanation(why: Mapping[str, Any]) -> RenderableType:
    """Why a row scored as it did: routing, dimensions read, contributions of the fields."""
    distances = ", ".join(f"group {group} at {distance:.2f}" for group, distance in enumerate(why["distances"]))
    ranked = sorted(why["contributions"], key=lambda part: -abs(part["logit"]))[:SHOWN_FIELDS]
    read = f"{most_kept(why['kept_dims'])} (of {why['dim']} each)"
    effects = ", ".join(f"{part['field']} = {' '.join(part['values'])} ({part['logit']:+.2f})" for part in ranked)
    lines = {
        "why": why["sentence"],
        **({} if not why["dim"] else {"distances": distances, f"path {why['path']} reads": read}),
        "log-odds": effects,
    }
    table = Table.grid(padding=(0, 1))
    for name, text in lines.items():
        table.add_row(Text(f"  {name}:", style="dim"), Text(text))
    return table


def scores(rows: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Scored rows in their JSON form."""
    table = Table("row", "unknown values")
    for name in ("score", "log-odds", "group"):
        table.add_column(name, justify="right")
    for number, row in enumerate(rows, start=1):
        unknown = ", ".join(f"{cell['field']} = {cell['value']}" for cell in row["unknown_values"])
        table.add_row(str(number), unknown, f"{row['score']:.4f}", f"{row['logit']:+.3f}", str(row["group"]))
    return table


def findings(report: ValidationReport) -> Iterable[RenderableType]:
    """What each column is, and what was found in the table."""
    table = Table("column", "purpose", "kind", "role", title=f"{report.rows:,} rows", title_justify="left", box=SIMPLE)
    table.add_column("distinct", justify="right")
    table.add_column("missing", justify="right")
    table.add_column("commonest")
    for profile in report.profiles:
        table.add_row(*_profile(profile))
    yield table
    yield from map(finding_line, report.findings)
    for code, count in report.omitted.items():
        yield Text(f"and {count:,} more of the kind {code}")


def finding_line(finding: Finding) -> Text:
    """A finding with its severity and its place."""
    place = " ".join(part for part in (f"row {finding.row}" if finding.row else "", finding.column or "") if part)
    style = "red" if finding.severity == "error" else "yellow"
    return Text.assemble((f"{finding.severity}: ", style), f"{place}: " if place else "", finding.message)


def num_errors(report: ValidationReport) -> int:
    """Errors in a table, also those that the report counts without listing them."""
    codes = {finding.code for finding in report.errors}
    return len(report.errors) + sum(report.omitted.get(code, 0) for code in codes)


def _profile(profile: FieldProfile) -> tuple[str, ...]:
    commonest = ", ".join(f"{value} ({count:,})" for value, count in profile.commonest[:3])
    return (
        profile.column,
        profile.purpose,
        profile.kind or "–",
        profile.role or "–",
        f"{profile.distinct:,}",
        f"{profile.missing:.0%}",
        commonest,
    )
