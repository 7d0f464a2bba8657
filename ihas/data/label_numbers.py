"""Labels that are numbers to be predicted: a number's place in its range, from 0 to 1, is learnt as a fraction of a click.

    label = (number - low) / (high - low), at least 0 and at most 1        number expected = low + (high - low) * score

Source: fractional logit, Papke and Wooldridge 1996: the cross-entropy of a fraction is least, on average, at its expected value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ihas.data.columns import is_list, numbers, text_column
from ihas.data.findings import MAX_ROWS_ALIKE, FindingCollector, ValidationReport
from ihas.data.label_guess import told_values
from ihas.data.schema import Schema
from ihas.data.splits import PartName
from ihas.errors import DataError


def encode_numbers(table: pa.Table, schema: Schema) -> np.ndarray:
    """Place of each row's number in the schema's range: float32 (rows,) from 0 to 1, NaN for a missing one where such rows are dropped.

    Raises:
        DataError: a cell is no finite number, or missing where it must not be.
        ValueError: no range is known yet.
    """
    findings = FindingCollector()
    find_number_labels(table, schema, findings)
    findings.raise_errors("Labels cannot be read")
    if schema.numbers is None:
        raise ValueError("The range of the label must be told from training rows before labels are encoded.")
    low, high = schema.numbers
    return np.asarray(np.clip((label_numbers(table, schema.label) - low) / (high - low), 0.0, 1.0), np.float32)


def label_numbers(table: pa.Table, name: str) -> np.ndarray:
    """The number of each row: float64 (rows,), NaN where it is missing or none."""
    column = text_column(table, name)
    return np.asarray(np.append(numbers(column.texts), np.nan)[column.codes])


def taken_rows(labels: np.ndarray, schema: Schema) -> np.ndarray:
    """Rows of which the user took the item, bool (rows,): clicks, or all with a number; labels float32 (rows,)."""
    return labels > 0.0 if schema.label_range is None else ~np.isnan(labels)


def find_number_labels(table: pa.Table, schema: Schema, findings: FindingCollector) -> None:
    """Errors of cells that are no finite number; a warning about numbers outside the range, where it is known."""
    name = schema.label
    if is_list(table, name):
        findings.add("label_is_list", "The label must be one value per row, but the column holds lists.", column=name)
        return
    column = text_column(table, name)
    missing = np.flatnonzero(column.codes < 0)
    if schema.unlabelled == "drop" and len(missing):
        findings.add("rows_dropped", f"{len(missing):,} rows have no label and are left out.", column=name, severity="warning")
    elif len(missing):
        law = "The label must be a number, but it is missing. Fill it in, drop the row, or set `unlabelled` to 'drop'."
        findings.add_rows("label_missing", name, missing, lambda _: law, np.zeros(len(missing)))
    values = numbers(column.texts)
    bad = column.rows_where(~np.isfinite(values))
    if len(bad) > MAX_ROWS_ALIKE:
        law = f"The label must be a finite number, as `label_range` says, but in {len(bad):,} rows it is none: {told_values(column)}."
        findings.add("label_not_a_number", f"{law} Name another column, or leave `label_range` out.", row=int(bad[0]) + 1, column=name)
        return
    law = "The label must be a finite number, as `label_range` says, but it is {!r}. Correct it or drop the row."
    findings.add_rows("label_not_a_number", name, bad, lambda row: law.format(column.text(row)))
    used = np.unique(values[(column.counts > 0) & np.isfinite(values)])
    if len(used) == 1 and not len(bad):
        law = f"Labels must differ, but all are {used[0]:g}: there is nothing to learn. Name another column."
        findings.add("one_label_class", law, column=name)
    if schema.numbers is not None:
        _tell_clipped(column.rows_where((values < schema.numbers[0]) | (values > schema.numbers[1])), schema, schema.numbers, findings)


def _tell_clipped(rows: np.ndarray, schema: Schema, bounds: tuple[float, float], findings: FindingCollector) -> None:
    if len(rows):
        law = f"{len(rows):,} rows have a label outside {bounds[0]:g} to {bounds[1]:g} and are learnt as the nearer of both"
        findings.add("label_clipped", f"{law}; this is the first.", row=int(rows[0]) + 1, column=schema.label, severity="warning")


def with_label_range(
    schema: Schema, report: ValidationReport, tables: Mapping[PartName, pa.Table], train: np.ndarray
) -> tuple[Schema, ValidationReport]:
    """The schema with the range of the training rows, int64 (n,), where it is to be told from them; the report says what it is.

    Raises:
        DataError: the numbers of training rows are all alike.
    """
    if schema.label_range != "training":
        return schema, report
    values = label_numbers(tables["train"], schema.label)[train]
    values = values[~np.isnan(values)]
    if not len(values):
        raise DataError("Training rows must have a label, but none has one. Provide more rows, or change `split`.")
    bounds = float(values.min()), float(values.max())
    if not bounds[0] < bounds[1]:
        raise DataError(f"Labels of training rows must differ, but all are {bounds[0]:g}. Provide more rows, or change `split`.")
    schema, findings = schema.model_copy(update={"label_range": bounds}), FindingCollector()
    law = f"The label is learnt as a number from {bounds[0]:g} to {bounds[1]:g}, the least and the largest of the training rows."
    findings.add("label_range", f"{law} State `label_range` for another range.", column=schema.label, severity="warning")
    for part, table in tables.items():
        column = text_column(table, schema.label)
        found = numbers(column.texts)
        _tell_clipped(column.rows_where((found < bounds[0]) | (found > bounds[1])), schema, bounds, found_in := FindingCollector())
        prefix = "" if part == "train" else f"{part}_path: "
        findings.kept.extend(one.model_copy(update={"message": prefix + one.message}) for one in found_in.kept)
    return schema, report.model_copy(update={"findings": (*report.findings, *findings.kept), "columns": schema})
