"""Whether a table can be learnt from, and what is odd about it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.cell_codes import cell_codes
from ihas.data.columns import Column, ListColumn, is_list, list_column, numbers, split_texts, text_column
from ihas.data.csv_header import header_looks_like_data
from ihas.data.findings import MAX_ROWS_ALIKE, FieldProfile, FindingCollector, Purpose, ValidationReport
from ihas.data.hashed import words_within
from ihas.data.inference import LABEL_TEXTS, POSITIVES_ONLY, item_attributes
from ihas.data.label_guess import proposed_rule, told_values
from ihas.data.label_numbers import find_number_labels
from ihas.data.mapped import spans
from ihas.data.number_lists import holds_numbers
from ihas.data.positives import find_negatives
from ihas.data.quantiles import quantiles
from ihas.data.schema import Field, Schema
from ihas.data.suspicions import find_rare_class, find_rounded_ids, find_telling_columns
from ihas.data.tasks import find_task_faults
from ihas.data.times import seconds
from ihas.data.value_rates import MAX_COLUMNS, clicked_rows, parts_of
from ihas.data.vectors import find_vector_faults
from ihas.data.weights import find_weight_faults

MOSTLY_MISSING = 0.95
NEARLY_UNIQUE = 0.9
MIN_ROWS_TO_JUDGE = 50
NUM_COMMONEST = 10
_HASHED_ROWS = 1 << 16


def validate(table: pa.Table, schema: Schema, prefix: str = "") -> ValidationReport:
    """Errors, warnings and a profile of every column.

    Args:
        table: a table that was read, with every column of the schema.
        schema: what the columns are.
        prefix: put in front of every finding's message, to name the file.

    Returns:
        The report. Errors: a label that is not 0 or 1 or missing, one label class, no fields, cells of numeric fields that are
        no finite number, cells of the time column that are no time. Warnings: columns that are constant, mostly missing or
        nearly unique, repeated rows (told by a 64-bit hash), a header that looks like data, and what `ihas.data.suspicions` finds.
    """
    findings = FindingCollector(prefix)
    if schema.label_range is not None:
        find_number_labels(table, schema, findings)
    else:
        find_label_faults(table, schema.label, findings, dropping=schema.unlabelled == "drop")
        _find_single_class(table, schema, findings)
    find_task_faults(table, schema, findings)
    if schema.negatives is not None:
        find_negatives(table, schema, schema.negatives, findings)
    if schema.negatives_kept < 1.0:
        law = f"{schema.negatives_kept:.4g} of the rows without a click are here: served probabilities are corrected for it."
        way = "Log-loss, calibration and rates in reports are of the rows as they stand."
        findings.add("negatives_kept", f"{law} {way}", severity="warning")
    if schema.weight in table.column_names:
        find_weight_faults(table, str(schema.weight), findings)
    if not schema.fields:
        findings.add("no_fields", "There must be at least one field besides the label, but there is none. List fewer columns as ignored.")
    for field in schema.fields:
        if field.kind == "numeric":
            find_number_faults(table, field.name, findings)
        elif field.kind == "vector":
            find_vector_faults(table, field.name, int(field.dim or 1), findings)
    if schema.time is not None:
        _find_time_faults(table, schema.time, findings)
    if not any(finding.severity == "error" for finding in findings.kept):
        _find_deceptions(table, schema, findings)
    profiles = profiles_of(table, schema)
    _find_oddities(table, schema, profiles, findings)
    return ValidationReport(rows=table.num_rows, findings=tuple(findings.kept), omitted=findings.omitted, profiles=profiles, columns=schema)


def find_label_faults(table: pa.Table, name: str, findings: FindingCollector, *, dropping: bool = False) -> None:
    """Errors of the label column: cells that are not 0 or 1. Missing ones are a warning where their rows are dropped."""
    if is_list(table, name):
        findings.add("label_is_list", "The label must be one value per row, but the column holds lists.", column=name)
        return
    column = text_column(table, name)
    missing = np.flatnonzero(column.codes < 0)
    if dropping and len(missing):
        findings.add("rows_dropped", f"{len(missing):,} rows have no label and are left out.", column=name, severity="warning")
    elif len(missing):
        law = "The label must be 0 or 1, but it is missing. Fill it in, drop the row, or set `unlabelled` to 'drop'."
        findings.add_rows("label_missing", name, missing, lambda _: law, np.zeros(len(missing)))
    bad = column.rows_where(~_is_label(column))
    if len(bad) > MAX_ROWS_ALIKE:
        findings.add("label_not_binary", _whole_label_law(column, len(bad)), row=int(bad[0]) + 1, column=name)
        return
    law = "The label must be 0 or 1, true or false, but it is {!r}. Correct it or drop the row."
    findings.add_rows("label_not_binary", name, bad, lambda row: law.format(column.text(row)))


def _whole_label_law(column: Column, num_bad: int) -> str:
    way = f"Say what counts as a click, for example `positive = {proposed_rule(column)!r}`, or name another column."
    number = " To predict the number itself, set `label_range = 'training'`." if np.isfinite(numbers(column.texts)).all() else ""
    return f"The label must be 0 or 1, but in {num_bad:,} rows it is not: the column holds {told_values(column)}. {way}{number}"


def _find_single_class(table: pa.Table, schema: Schema, findings: FindingCollector) -> None:
    name = schema.label
    if is_list(table, name):
        return
    column = text_column(table, name)
    used = column.texts.filter(pa.array(column.counts > 0)).to_pylist()
    classes = {text in ("1", "true") for text in used}
    if len(classes) == 1 and set(used) <= set(LABEL_TEXTS):
        only = int(classes.pop())
        if only and schema.negatives is not None:
            return
        way = f" {POSITIVES_ONLY}" if only else ""
        law = f"Labels of both classes must occur, but all are {only}. Add rows with label {1 - only}.{way}"
        findings.add("one_label_class", law, column=name)


def _is_label(column: Column) -> np.ndarray:
    return np.isin(column.texts.to_numpy(zero_copy_only=False), LABEL_TEXTS)


def find_number_faults(table: pa.Table, name: str, findings: FindingCollector) -> None:
    """Errors of a numeric field: cells that are no finite number."""
    column = text_column(table, name)
    law = (
        "A cell of a numeric field must be a finite decimal number or empty, but it is {!r}. Correct it, or list the column as categorical."
    )
    bad = column.rows_where(np.isnan(numbers(column.texts)))
    findings.add_rows("not_a_number", name, bad, lambda row: law.format(column.text(row)), column.codes[bad])


def _find_time_faults(table: pa.Table, name: str, findings: FindingCollector) -> None:
    if is_list(table, name):
        findings.add("time_is_list", "The time must be one value per row, but the column holds lists.", column=name)
        return
    column = text_column(table, name)
    law = "A time must be a number or an ISO 8601 date or time, alike in all rows, but it is {!r}. Correct it or drop the row."
    bad = np.flatnonzero(np.append(np.isnan(seconds(column.texts)), True)[column.codes])
    findings.add_rows("not_a_time", name, bad, lambda row: law.format(column.text(row) or ""), column.codes[bad])


def _find_deceptions(table: pa.Table, schema: Schema, findings: FindingCollector) -> None:
    if schema.negatives is None and schema.label_range is None:
        find_rare_class(table, schema.label, findings)
        find_telling_columns(table, schema, findings)
    for field in schema.fields:
        if field.kind == "categorical" and not is_list(table, field.name):
            find_rounded_ids(text_column(table, field.name).texts, field.name, findings)


def profiles_of(table: pa.Table, schema: Schema) -> tuple[FieldProfile, ...]:
    """What the columns of a table that was read hold, with rows and clicks of their parts where labels can be read."""
    told = schema.negatives is None and schema.label_range is None  # neither drawn rows nor numbers are clicks of people
    clicked = clicked_rows(table, schema.label) if told else None
    return tuple(profile_of(table, name, schema, clicked, place < MAX_COLUMNS) for place, name in enumerate(table.column_names))


def profile_of(table: pa.Table, name: str, schema: Schema, clicked: np.ndarray | None = None, divided: bool = True) -> FieldProfile:
    """What a column of a table that was read holds.

    Args:
        table: the table.
        name: the column.
        schema: what the columns are.
        clicked: bool (rows,), which rows are clicks; None where rows have no label.
        divided: whether a field's parts are counted.
    """
    field = next((field for field in schema.fields if field.name == name), None)
    if holds_numbers(table, name):
        return _profile_of_vectors(table, name, field, schema)
    values, counts = _values(table, name, field)
    top = np.argsort(-counts, kind="stable")[:NUM_COMMONEST]
    return FieldProfile(
        column=name,
        purpose="field" if field else _purpose(name, schema),
        kind=field.kind if field else None,
        role=field.role if field else None,
        distinct=int((counts > 0).sum()),
        missing=float((cell_codes(table, name) < 0).mean()) if table.num_rows else 0.0,
        commonest=tuple((str(values[int(place)].as_py()), int(counts[place])) for place in top if counts[place]),
        quantiles=tuple(quantiles(numbers(values), counts, 4).tolist()) if field and field.kind == "numeric" else (),
        parts=parts_of(table, name, field.separator, field.kind == "numeric", clicked) if field and divided else (),
    )


def _profile_of_vectors(table: pa.Table, name: str, field: Field | None, schema: Schema) -> FieldProfile:
    """Of lists of numbers, different lists are counted, and none is shown."""
    codes = cell_codes(table, name)
    return FieldProfile(
        column=name,
        purpose="field" if field else _purpose(name, schema),
        kind=field.kind if field else None,
        role=field.role if field else None,
        distinct=len(np.unique(codes[codes >= 0])),
        missing=float((codes < 0).mean()) if table.num_rows else 0.0,
        commonest=(),
    )


def _purpose(name: str, schema: Schema) -> Purpose:
    """What a column that is no field is used for."""
    purposes: dict[str | None, Purpose] = {schema.time: "time", schema.weight: "weight", schema.label: "label"}
    purposes |= dict.fromkeys(schema.tasks, "task")
    if name in purposes:
        return purposes[name]
    if name in {one.name for one in schema.timestamps}:
        return "timestamp"
    return "display" if name in schema.display else "ignored"


def _values(table: pa.Table, name: str, field: Field | None) -> tuple[pa.StringArray, np.ndarray]:
    if is_list(table, name):
        values = list_column(table, name).values
        return values.texts, values.counts
    column = text_column(table, name)
    if field is not None and field.kind == "text":
        return counts_within(column, words_within(column.texts))
    if field is None or field.kind != "multivalued":
        return column.texts, column.counts
    return values_within(column, field.separator)


def values_within(column: Column, separator: str | None) -> tuple[pa.StringArray, np.ndarray]:
    """Values within the cells of a text column, and how often each occurs: (n,) texts, int64 (n,)."""
    return counts_within(column, split_texts(column.texts, separator))


def counts_within(column: Column, cells: ListColumn) -> tuple[pa.StringArray, np.ndarray]:
    """Values within the texts of a column, which `cells` has for each text, and how often each occurs: (n,) texts, int64 (n,)."""
    counts = np.bincount(cells.values.codes, weights=np.repeat(column.counts, cells.lengths), minlength=len(cells.values.texts))
    return cells.values.texts, counts.astype(np.int64)


def _find_oddities(table: pa.Table, schema: Schema, profiles: tuple[FieldProfile, ...], findings: FindingCollector) -> None:
    for profile in profiles:
        if profile.purpose == "field":
            _find_field_oddities(profile, table.num_rows, findings)
    if header_looks_like_data(table.column_names):
        law = f"Column names look like data: {', '.join(table.column_names[:8])}. Put a line with names on top if it is missing."
        findings.add("header_looks_like_data", law, severity="warning")
    if schema.item_id is not None:
        context = [field.name for field in schema.fields if field.role == "context"]
        for name in sorted(item_attributes(table, context, schema.item_id)):
            law = "Each item has one value here, so it describes the item, but every request would have to state it. List it under `item`."
            findings.add("item_attribute_in_context", law, column=name, severity="warning")
    repeated, row = _find_repeated(table)
    if repeated:
        findings.add(
            "repeated_rows", f"{repeated} rows repeat an earlier row in every column; this is the first.", severity="warning", row=row
        )


def _find_field_oddities(profile: FieldProfile, rows: int, findings: FindingCollector) -> None:
    present = rows * (1.0 - profile.missing)
    if profile.missing > MOSTLY_MISSING:
        law = f"{profile.missing:.1%} of the cells are missing. That works; list the column as ignored if it tells nothing."
        findings.add("mostly_missing", law, column=profile.column, severity="warning")
    if profile.distinct + (profile.missing > 0.0) <= 1:
        law = "All cells are the same. That works, but teaches nothing; list the column as ignored to save its place."
        findings.add("constant_column", law, column=profile.column, severity="warning")
    if profile.kind == "categorical" and present >= MIN_ROWS_TO_JUDGE and profile.distinct > NEARLY_UNIQUE * present:
        law = f"{profile.distinct} different values in {present:.0f} cells look like a row's identifier. List it as ignored or numeric."
        findings.add("nearly_unique", law, column=profile.column, severity="warning")


def _find_repeated(table: pa.Table) -> tuple[int, int]:
    """How many rows repeat an earlier one, and the number of the first that does."""
    hashes = np.zeros(table.num_rows, dtype=np.uint64)
    for name in table.column_names:
        codes = cell_codes(table, name)
        for block in spans(table.num_rows, _HASHED_ROWS):
            mixed = (hashes[block] ^ codes[block].astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            hashes[block] = mixed ^ (mixed >> np.uint64(29))
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    repeats = order[1:][hashes[1:] == hashes[:-1]]
    return len(repeats), int(repeats.min()) + 1 if len(repeats) else 0
