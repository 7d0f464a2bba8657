"""Weights of rows: how much each counts in training, and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ihas.data.columns import Column, is_list, numbers, text_column
from ihas.data.findings import FindingCollector
from ihas.data.splits import PartName
from ihas.errors import DataError


def find_weight_faults(table: pa.Table, name: str, findings: FindingCollector) -> None:
    """Errors of cells that are no number of 0 or more; a warning says how many rows of equal weight the weights are worth.

    The effective number of rows is (sum w)^2 / sum w^2. Source: Kish 1965, "Survey Sampling".
    """
    if is_list(table, name):
        findings.add("weight_is_list", "A weight must be one number per row, but the column holds lists.", column=name)
        return
    column = text_column(table, name)
    found = _weights(column)
    law = "A weight must be a number of 0 or more, but it is {}. Correct it, or drop the row."
    bad = np.flatnonzero(~(found >= 0.0))
    findings.add_rows("not_a_weight", name, bad, lambda row: law.format(repr(column.text(row) or "missing")), column.codes[bad])
    total, squares = float(found.sum()), float((found**2).sum())
    if not len(bad) and total > 0.0:
        worth = f"{total**2 / squares:,.0f} rows of equal weight"
        law = f"Rows count in training as their weights say: {len(found):,} rows are worth {worth}. Metrics count every row once."
        findings.add("weighted_rows", law, column=name, severity="warning")


def learnt_weights(
    tables: Mapping[PartName, pa.Table], name: str | None, rows: Mapping[PartName, np.ndarray]
) -> dict[PartName, np.ndarray]:
    """Weights of the rows that a model learns from, float32 (rows of the part,): those of training, and of validation for a refit.

    They are divided by the mean of the training rows', so that learning rates and L2 weights mean what they do without.

    Args:
        tables: tables that were read, without faults: the main one, `train`, and those of parts that have a file of their own.
        name: column of the weights; None, or one that the tables lack, for none.
        rows: int64 (rows of the part,).

    Raises:
        DataError: every training row has weight 0.
    """
    parts: tuple[PartName, ...] = ("train", "valid")
    if name is None or name not in tables["train"].column_names:
        return {}
    found = {part: _weights(text_column(tables.get(part, tables["train"]), name))[rows[part]] for part in parts}
    mean = float(found["train"].mean()) if len(found["train"]) else 0.0
    if not mean > 0.0:
        raise DataError(f"Some training rows must have a weight above 0, but in `{name}` none has. Correct the weights, or leave them out.")
    return {part: np.asarray(of_part / mean, np.float32) for part, of_part in found.items()}


def _weights(column: Column) -> np.ndarray:
    """float64 (rows,), NaN where a cell is missing or no number."""
    return np.asarray(np.append(numbers(column.texts), np.nan)[column.codes])
