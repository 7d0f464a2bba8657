"""Tables of scores, recommendations and findings for a terminal; those of results are the kinds' own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ihas.data.findings import FieldProfile, ValidationReport
from ihas.findings import Finding
from ihas_pipelines.reports.terminal_tables import most_kept

SHOWN_FIELDS = 6
OF_CHANGES = frozenset(
    {"field_moved", "field_changed", "missing_more", "click_rate_moved", "click_rate_changed", "kind_changed", "new_column"}
)
"""Warnings about what appended rows changed."""


def recommendation(answer: Mapping[str, Any], title: str) -> RenderableType:
    """Recommended items of an answer in its JSON form, and under them why the first one is first, where it says so."""
    table = Table("rank", "item", title=title, title_justify="left", box=SIMPLE)
    labels = list(next((item["scores"] for item in answer["items"] if "scores" in item), {}))
    for name in ("score", *labels, "group", "margin", "runner-up"):
        table.add_column(name, justify="right")
    shown = list(dict.fromkeys(name for item in answer["items"] for name in item.get("fields", ())))
    for name in shown:
        table.add_column(name)
    for item in answer["items"]:
        why = item.get("explanation") or {}
        each = (f"{item['scores'][label]:.4f}" for label in labels)
        cells = (item["rank"], item["id"], f"{item['score']:.4f}", *each, item["group"], _rounded(why.get("margin")), why.get("runner_up"))
        values = (item.get("fields", {}).get(name) for name in shown)
        texts = (value if value is None or isinstance(value, str) else ", ".join(value) for value in values)
        table.add_row(*("–" if cell is None else str(cell) for cell in (*cells, *texts)))
    parts: list[RenderableType] = [table]
    if answer["items"] and answer["items"][0].get("explanation"):
        parts.append(explanation(answer["items"][0]["explanation"]))
    parts += [Text(f"not in the item table: {', '.join(answer['unknown_candidates'])}")] if answer.get("unknown_candidates") else []
    parts += [Text(line) for line in _how(answer)]
    parts += [Text(f"unknown value: {cell['field']} = {cell['value']}") for cell in answer.get("unknown_values", ())]
    return Group(*parts)


def _how(answer: Mapping[str, Any]) -> list[str]:
    """Lines on retrieval and fallback, if either took part."""
    retrieved, degraded = answer.get("retrieved"), answer.get("degraded_groups")
    lines = [f"retrieved: {retrieved['items']:,} of {retrieved['of_items']:,} items ({retrieved['method']})"] if retrieved else []
    known = ", ".join(answer.get("profile_fields", ()))
    lines += [f"known of the user: {known}"] if known else []
    lines += [f"left out: {answer['seen_excluded']:,} items that the user has clicked"] if answer.get("seen_excluded") else []
    return lines + ([f"served by the shared model: groups {', '.join(map(str, degraded))}"] if degraded else [])


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def explanation(why: Mapping[str, Any]) -> RenderableType:
    """Why a row scored as it did: routing, dimensions read, contributions of the fields."""
    ranked = sorted(why["contributions"], key=lambda part: -abs(part["logit"]))[:SHOWN_FIELDS]
    read = f"{most_kept(why['kept_dims'])} (of {why['dim']} each)"
    effects = ", ".join(f"{part['field']} = {' '.join(part['values'])} ({part['logit']:+.2f})" for part in ranked)
    lines = {
        "why": why["sentence"],
        **({} if not why["dim"] else {**_routing(why), f"model {why['path']} reads": read}),
        "log-odds": effects,
    }
    table = Table.grid(padding=(0, 1))
    for name, text in lines.items():
        table.add_row(Text(f"  {name}:", style="dim"), Text(text))
    return table


def _routing(why: Mapping[str, Any]) -> dict[str, str]:
    """What says the group: distances to the centroids; or sums, and what the fields add for the group against the runner-up."""
    sums = ", ".join(f"group {group} has {score:+.2f}" for group, score in enumerate(why.get("group_scores", ())))
    if not sums:
        return {"distances": ", ".join(f"group {group} at {distance:.2f}" for group, distance in enumerate(why["distances"]))}
    own = sorted(why["group_contributions"].items(), key=lambda part: -abs(part[1]))[:SHOWN_FIELDS]
    reasons = ", ".join(f"{field} ({score:+.2f})" for field, score in own)
    return {"sums": sums} | ({f"against group {why['runner_up']}": reasons} if own else {})


def scores(rows: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Scored rows in their JSON form."""
    table = Table("row", "unknown values")
    rows = list(rows)
    numbers = any("value" in row for row in rows)
    labels = list(next((row["scores"] for row in rows if "scores" in row), {}))
    for name in ("score", "log-odds", "group", *(["value"] if numbers else []), *labels):
        table.add_column(name, justify="right")
    for number, row in enumerate(rows, start=1):
        unknown = ", ".join(f"{cell['field']} = {cell['value']}" for cell in row["unknown_values"])
        value = [f"{row['value']:.4g}"] if numbers else []
        each = (f"{row['scores'][label]:.4f}" for label in labels)
        table.add_row(str(number), unknown, f"{row['score']:.4f}", f"{row['logit']:+.3f}", str(row["group"]), *value, *each)
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
    yield from (Text.assemble((f"{profile.column}: ", "bold"), profile.reason) for profile in report.profiles if profile.reason)
    yield from changes(report)
    yield from (finding_line(one) for one in report.findings if report.changes is None or one.code not in OF_CHANGES)
    for code, count in report.omitted.items():
        yield Text(f"and {count:,} more of the kind {code}")


def changes(report: ValidationReport) -> Iterable[RenderableType]:
    """What the rows that were appended last changed; nothing of a first version."""
    found = report.changes
    if found is None:
        return
    title = f"{found.rows_appended:,} rows after {found.rows_before:,}"
    table = Table("column", title=title, title_justify="left", box=SIMPLE)
    for name in ("drift", "by chance", "new values", "of cells", "missing before", "missing"):
        table.add_column(name, justify="right")
    for one in found.fields:
        shares = (f"{one.new_share:.1%}", f"{one.missing_before:.1%}", f"{one.missing:.1%}")
        table.add_row(one.column, f"{one.drift:.3f}", f"{one.by_chance:.3f}", f"{one.new_values:,}", *shares)
    yield table
    rate = found.click_rate
    if rate is not None:
        yield Text(f"click rate: {rate.appended:.2%} after {rate.before:.2%} (difference {rate.low:+.2%} to {rate.high:+.2%})")
    yield from (finding_line(one) for one in report.findings if one.code in OF_CHANGES)


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
