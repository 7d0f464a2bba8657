"""Columns of vectors: found, checked, fitted, and encoded block by block."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.columns import ListColumn, is_list, list_column, numbers
from ihas.data.field_encoders import MISSING, VectorEncoder
from ihas.data.findings import FindingCollector
from ihas.data.layout import PADDING
from ihas.data.mapped import spans
from ihas.data.schema import Field

BLOCK_ROWS = 1 << 14
MIN_DIM = 4
"""Numbers of the shortest lists that are taken for vectors unasked (our choice)."""
_ROUNDING = 1e-12
"""Deviations of at most so many means are those of a sum's rounding, where a number is the same in every row."""
_LARGEST = 1e140
"""Larger numbers count as this one in means and deviations: a square has a finite sum."""


def look_like_vectors(cells: ListColumn) -> bool:
    """Whether all lists are of one length, and hold numbers alone, some of them with a fraction."""
    lengths = cells.lengths[cells.lengths > 0]
    if not len(lengths) or np.ptp(lengths) or lengths[0] < MIN_DIM:
        return False
    values = numbers(cells.values.texts)
    return bool(np.isfinite(values).all() and (values != np.floor(values)).any())


def dim_of(table: pa.Table, name: str) -> int:
    """Numbers of a column's first vector; 1 where there is none."""
    lengths = list_column(table, name).lengths
    return int(lengths[lengths > 0][0]) if (lengths > 0).any() else 1


def find_vector_faults(table: pa.Table, name: str, dim: int, findings: FindingCollector) -> None:
    """Errors of a field of vectors: cells of other lengths than `dim`, and such as hold what is no finite number."""
    if not is_list(table, name):
        findings.add("expected_list", "Cells must be lists of numbers, as the field is a vector, but are single values.", column=name)
        return
    cells = list_column(table, name)
    bad = np.flatnonzero((cells.lengths > 0) & (cells.lengths != dim))
    law = f"A vector must have {dim} numbers, but this one has {{:,}}; null and NaN do not count. Correct it, or empty the cell."
    findings.add_rows("vector_length", name, bad, lambda row: law.format(cells.lengths[row]), cells.lengths[bad])
    odd = np.isnan(numbers(cells.values.texts))
    if odd.any():
        row_of = np.repeat(np.arange(len(cells.lengths)), cells.lengths)
        places = np.flatnonzero(odd[cells.values.codes])
        rows, first = np.unique(row_of[places], return_index=True)
        text_of = dict(zip(rows.tolist(), cells.values.codes[places[first]].tolist(), strict=True))
        wrong = "A vector must hold finite numbers, but this one holds {!r}. Correct it, or empty the cell."
        findings.add_rows(
            "not_a_number",
            name,
            rows,
            lambda row: wrong.format(cells.values.texts[text_of[row]].as_py()),
            np.array([text_of[row] for row in rows.tolist()]),
        )


def fit_vector(cells: ListColumn, field: Field) -> VectorEncoder:
    """Encoder by the mean and the deviation of each number among training rows, of which a block at a time is held as numbers."""
    values = np.clip(numbers(cells.values.texts), -_LARGEST, _LARGEST)
    codes = cells.values.codes.reshape(-1, int(field.dim or 1))  # empty cells have none
    sums, count = np.zeros(codes.shape[1]), max(len(codes), 1)
    for block in spans(len(codes), BLOCK_ROWS):
        sums += values[codes[block]].sum(axis=0)
    means, squares = sums / count, np.zeros(codes.shape[1])
    for block in spans(len(codes), BLOCK_ROWS):
        squares += np.square(values[codes[block]] - means).sum(axis=0)
    scales = np.sqrt(squares / count)
    scales = np.where((scales > _ROUNDING * np.abs(means)) & np.isfinite(scales), scales, 1.0)
    return VectorEncoder(name=field.name, role=field.role, means=tuple(means.tolist()), scales=tuple(scales.tolist()))


def vector_ids(cells: ListColumn, field: VectorEncoder) -> np.ndarray:
    """Ids of each row, counted from the field's first table row: int32 (rows, slots)."""
    ids = np.full((len(cells.lengths), field.slots), PADDING, np.int32)
    present = cells.lengths > 0
    ids[present] = field.ids(_vectors(cells, field.slots)[present])
    ids[~present, 0] = MISSING
    return ids


def _vectors(cells: ListColumn, dim: int) -> np.ndarray:
    """Numbers of each row, zeros where there are none: float64 (rows, dim); each row has `dim` numbers, or none."""
    vectors = np.zeros((len(cells.lengths), dim))
    vectors[cells.lengths > 0] = numbers(cells.values.texts)[cells.values.codes].reshape(-1, dim)
    return vectors
