"""What rows that were appended to a table have changed: drift of each field, new values, click rate; and what of it is too much."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from ihas.data.cell_codes import cell_codes
from ihas.data.columns import Column, is_list, list_column, numbers, split_texts, text_column
from ihas.data.findings import FindingCollector, ValidationReport
from ihas.data.growth import Before, Changes, FieldChange, GrowthLimits, RateChange
from ihas.data.hashed import words_within
from ihas.data.inference import LABEL_TEXTS
from ihas.data.number_lists import holds_numbers, value_counts
from ihas.data.quantiles import quantiles
from ihas.data.schema import Field, Schema
from ihas.data.validation import find_number_faults
from ihas.findings import Finding
from ihas.rates import difference_of_rates, stability, stability_by_chance

MOVED, CHANGED = 0.1, 0.25
"""Population stability index, and relative difference of the click rate, above which something moved, and above which it changed."""
MIN_ROWS = 100
"""Appended rows below which nothing is judged."""
MAX_VALUES = 20
NUM_PARTS = 10
SAMPLED_ROWS = 16_384


def with_changes(report: ValidationReport, table: pa.Table, rows_before: int, before: Before) -> ValidationReport:
    """A table's report with what the rows from `rows_before` on changed.

    A number that became a text is an error, though the column could be read as categories.
    """
    findings = FindingCollector()
    kinds = {field.name: field.kind for field in report.columns.fields}
    for field in before.columns.fields:
        if field.kind == "numeric" and kinds.get(field.name) == "categorical":
            find_number_faults(table, field.name, findings)
        elif field.name in kinds and kinds[field.name] != field.kind:
            law = f"The field was {field.kind}, and is {kinds[field.name]} with the appended rows. State its kind to keep it."
            findings.add("kind_changed", law, column=field.name, severity="warning")
    changes = None
    if not report.errors and not any(finding.severity == "error" for finding in findings.kept):
        changes = changes_of(table, rows_before, report.columns)
        judge(changes, before.limits, findings)
    found = tuple(_in_appended(finding, rows_before) for finding in (*findings.kept, *report.findings))
    return report.model_copy(update={"findings": found, "omitted": {**report.omitted, **findings.omitted}, "changes": changes})


def _in_appended(finding: Finding, rows_before: int) -> Finding:
    """The finding, which says where in the appended file its row is."""
    if finding.row is None or finding.row <= rows_before:
        return finding
    return finding.model_copy(update={"message": f"Row {finding.row - rows_before} of what was appended: {finding.message}"})


def changes_of(table: pa.Table, rows_before: int, schema: Schema) -> Changes:
    """Compare the rows from `rows_before` on with those before; both must be there, and labels must be 0 or 1."""
    return Changes(
        rows_before=rows_before,
        rows_appended=table.num_rows - rows_before,
        click_rate=None if schema.label_range is not None else _rate_change(text_column(table, schema.label), rows_before),
        fields=tuple(_field_change(table, field, rows_before) for field in schema.fields),
    )


def judge(changes: Changes, limits: GrowthLimits, findings: FindingCollector) -> None:
    """Add warnings about what moved or changed, and errors about what is above a limit; nothing where few rows were appended."""
    if changes.rows_appended < MIN_ROWS:
        return
    for field in changes.fields:
        _judge_drift(field, limits.drift, findings)
        _judge_share("new_values", field.new_share, limits.new_values, "hold values that were not there before", field.column, findings)
        grown = field.missing - field.missing_before
        _judge_share(
            "missing", grown, limits.missing, f"are missing more than the {field.missing_before:.1%} before", field.column, findings
        )
    if changes.click_rate is not None:
        _judge_rate(changes.click_rate, limits.click_rate, findings)


def _judge_drift(field: FieldChange, limit: float | None, findings: FindingCollector) -> None:
    if field.drift <= field.by_chance:
        return
    said = f"The field's population stability index is {field.drift:.3f}"
    if limit is not None and field.drift > limit:
        _refuse("drift", f"{said}, above the limit of {limit:g}", field.column, findings)
    elif field.drift > MOVED:
        code, word = ("field_changed", "changed") if field.drift > CHANGED else ("field_moved", "moved")
        law = f"{said}: it {word} (.1: moved, .25: changed). Look whether its source is as before."
        findings.add(code, law, column=field.column, severity="warning")


def _judge_share(
    kind: Literal["new_values", "missing"], share: float, limit: float | None, what: str, column: str, findings: FindingCollector
) -> None:
    said = f"{share:.1%} of the appended cells {what}"
    if limit is not None and share > limit:
        _refuse(kind, f"{said}, above the limit of {limit:.1%}", column, findings)
    elif kind == "missing" and share > MOVED:
        findings.add("missing_more", f"{said}. Look whether its source is as before.", column=column, severity="warning")


def _judge_rate(rate: RateChange, limit: float | None, findings: FindingCollector) -> None:
    relative = abs(rate.appended - rate.before) / rate.before if rate.before else float("inf")
    if rate.low <= 0.0 <= rate.high:
        return
    said = f"The click rate of the appended rows is {rate.appended:.2%}, after {rate.before:.2%}"
    interval = f"difference {rate.low:+.2%} to {rate.high:+.2%}"
    if limit is not None and relative > limit:
        _refuse(
            "click_rate", f"{said} ({interval}), a relative difference of {relative:.1%} above the limit of {limit:.1%}", None, findings
        )
    elif relative > MOVED:
        code = "click_rate_changed" if relative > CHANGED else "click_rate_moved"
        findings.add(code, f"{said} ({interval}). Look whether clicks are counted as before.", severity="warning")


def _refuse(kind: str, law: str, column: str | None, findings: FindingCollector) -> None:
    findings.add(f"{kind}_above_limit", f"{law}. Correct the rows, or raise `{kind}` of the data set's limits.", column=column)


def _rate_change(label: Column, rows_before: int) -> RateChange:
    positive = np.append(np.isin(label.texts.to_numpy(zero_copy_only=False), LABEL_TEXTS[1::2]), False)[label.codes]
    before, after = (int(positive[:rows_before].sum()), rows_before), (int(positive[rows_before:].sum()), len(positive) - rows_before)
    low, high = difference_of_rates(after, before)
    return RateChange(before=before[0] / before[1], appended=after[0] / after[1], low=low, high=high)


def _field_change(table: pa.Table, field: Field, rows_before: int) -> FieldChange:
    missing = cell_codes(table, field.name) < 0
    texts, before, after = _counts(table, field, rows_before)
    gone = (int(missing[:rows_before].sum()), int(missing[rows_before:].sum()))
    values = numbers(texts) if field.kind in ("numeric", "vector") else None
    change = change_of_counts(field.name, before, after, gone, values)
    return change.model_copy(update={"missing_before": gone[0] / rows_before, "missing": gone[1] / (len(missing) - rows_before)})


def change_of_counts(
    column: str, before: np.ndarray, after: np.ndarray, gone: tuple[int, int] = (0, 0), values: np.ndarray | None = None
) -> FieldChange:
    """What changed between two samples of one column.

    Args:
        column: its name.
        before: int64 (n,). How often each value occurs before.
        after: int64 (n,). How often each occurs in the appended rows.
        gone: missing cells before and after.
        values: float64 (n,). The values of a numeric field; None for those of any other.
    """
    bins = _bins_of_numbers(values, before) if values is not None else _bins_of_values(before)
    size = bins.max(initial=0) + 1
    counted = np.array([[*np.bincount(bins, of, size), lost] for of, lost in zip((before, after), gone, strict=True)])
    sizes = np.maximum(counted.sum(axis=1), 1)
    new = _new(values, before, after)
    return FieldChange(
        column=column,
        drift=stability((counted[1] / sizes[1]).tolist(), (counted[0] / sizes[0]).tolist()),
        by_chance=stability_by_chance(int((counted.sum(axis=0) > 0).sum()), int(sizes[0]), int(sizes[1])),
        new_values=0 if values is not None else int(new.sum()),
        new_share=float(after[new].sum() / max(after.sum(), 1)),
        missing_before=gone[0] / sizes[0],
        missing=gone[1] / sizes[1],
    )


def _counts(table: pa.Table, field: Field, rows_before: int) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
    """Different values, and how often each occurs before and after: (n,) texts, int64 (n,) twice."""
    if holds_numbers(table, field.name):
        return _counts_of_numbers(table, field.name, rows_before)
    if is_list(table, field.name):
        lists = list_column(table, field.name)
        end = int(lists.offsets[rows_before])
        halves = [Column(lists.values.codes[half], lists.values.texts).counts for half in (slice(0, end), slice(end, None))]
        return lists.values.texts, halves[0], halves[1]
    column = text_column(table, field.name)
    halves = [Column(column.codes[half], column.texts).counts for half in (slice(0, rows_before), slice(rows_before, None))]
    if field.kind not in ("multivalued", "text"):
        return column.texts, halves[0], halves[1]
    cells = words_within(column.texts) if field.kind == "text" else split_texts(column.texts, field.separator)
    within = [
        np.bincount(cells.values.codes, np.repeat(half, cells.lengths), minlength=len(cells.values.texts)).astype(np.int64)
        for half in halves
    ]
    return cells.values.texts, within[0], within[1]


def _counts_of_numbers(table: pa.Table, name: str, rows_before: int) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
    """The same of a column of lists of numbers, of at most `SAMPLED_ROWS` evenly spaced rows before and after."""
    ends = ((0, rows_before), (rows_before, table.num_rows))
    column = table.select([name])
    samples = (np.unique(np.linspace(first, end - 1, min(SAMPLED_ROWS, end - first)).astype(np.int64)) for first, end in ends)
    halves = [value_counts(column.take(rows), name) for rows in samples]
    values, place = np.unique(np.concatenate([values for values, _ in halves]), return_inverse=True)
    first = len(halves[0][0])
    before, after = (
        np.bincount(where, counts, len(values)).astype(np.int64)
        for where, (_, counts) in zip((place[:first], place[first:]), halves, strict=True)
    )
    return pa.array(map(repr, values.tolist()), pa.string()), before, after


def _bins_of_values(before: np.ndarray) -> np.ndarray:
    """Bin of each value, int64 (n,): the most frequent before have one each, all others the last one together."""
    top = [place for place in np.argsort(-before, kind="stable")[:MAX_VALUES].tolist() if before[place]]
    bins = np.full(len(before), len(top), dtype=np.int64)
    bins[top] = np.arange(len(top))
    return bins


def _bins_of_numbers(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Bin of each number, int64 (n,), between the deciles of the rows before."""
    edges = np.unique(quantiles(values, before, NUM_PARTS)[1:-1])
    return np.searchsorted(edges, values)


def _new(values: np.ndarray | None, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Which values are new: bool (n,); of numbers, those outside the range before."""
    if values is None:
        return np.asarray((before == 0) & (after > 0))
    known = values[before > 0]
    return np.asarray((values < known.min(initial=np.inf)) | (values > known.max(initial=-np.inf)))
