"""Columns of vectors: found, checked, fitted, and encoded block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ihas.config.data import SchemaConfig
from ihas.data.columns import as_texts, is_list, numbers
from ihas.data.field_encoders import MISSING, VectorEncoder
from ihas.data.findings import FindingCollector
from ihas.data.layout import PADDING
from ihas.data.number_lists import holds_numbers, number_blocks
from ihas.data.schema import Field
from ihas.data.splits import PartName

MIN_DIM = 4
"""Numbers of the shortest lists that are taken for vectors unasked (our choice)."""
_ROUNDING = 1e-12
"""Deviations of at most so many means are those of a sum's rounding, where a number is the same in every row."""
_LARGEST = 1e140
"""Larger numbers count as this one in means and deviations: a square has a finite sum."""


def look_like_vectors(table: pa.Table, name: str) -> bool:
    """Whether all lists of a column are of one length, and hold numbers alone, some of them with a fraction."""
    dim, fraction = 0, False
    for _, cells in number_blocks(table, name):
        lengths = cells.lengths[cells.lengths > 0]
        if not len(lengths):
            continue
        dim = dim or int(lengths[0])
        if dim < MIN_DIM or (lengths != dim).any() or not np.isfinite(cells.values).all():
            return False
        fraction = fraction or bool((cells.values != np.floor(cells.values)).any())
    return fraction


def with_numbers_of_vectors(tables: Mapping[PartName, pa.Table], columns: SchemaConfig) -> dict[PartName, pa.Table]:
    """The tables, whose lists of numbers are texts where they are no vectors: stated as something else, or not like any."""
    found = dict(tables)
    others = {*columns.multivalued, *columns.histories, *columns.ignored, *columns.display}
    for name in tables["train"].column_names:
        parts = [part for part, table in found.items() if name in table.column_names and holds_numbers(table, name)]
        if parts and (name in columns.vectors or (name not in others and look_like_vectors(tables["train"], name))):
            continue
        for part in parts:
            place = found[part].column_names.index(name)
            found[part] = found[part].set_column(place, name, as_texts(found[part].column(name)))
    return found


def dim_of(table: pa.Table, name: str) -> int:
    """Numbers of a column's first vector; 1 where there is none."""
    found = (cells.lengths[cells.lengths > 0] for _, cells in number_blocks(table, name))
    return next((int(lengths[0]) for lengths in found if len(lengths)), 1)


def find_vector_faults(table: pa.Table, name: str, dim: int, findings: FindingCollector) -> None:
    """Errors of a field of vectors: cells of other lengths than `dim`, and such as hold what is no finite number."""
    if not is_list(table, name):
        findings.add("expected_list", "Cells must be lists of numbers, as the field is a vector, but are single values.", column=name)
        return
    short, odd = dict[int, int](), list[int]()
    for block, cells in number_blocks(table, name):
        short |= {block.start + int(row): int(cells.lengths[row]) for row in np.flatnonzero((cells.lengths > 0) & (cells.lengths != dim))}
        places = np.flatnonzero(~np.isfinite(cells.values))
        odd += (block.start + np.unique(np.repeat(np.arange(len(cells.lengths)), cells.lengths)[places])).tolist()
    bad = np.array(list(short), np.int64)
    law = f"A vector must have {dim} numbers, but this one has {{:,}}; null and NaN do not count. Correct it, or empty the cell."
    findings.add_rows("vector_length", name, bad, lambda row: law.format(short[row]), np.array(list(short.values()), np.int64))
    if odd:
        texts = [_odd_text(table, name, row) for row in odd]
        text_of, alike = dict(zip(odd, texts, strict=True)), np.unique(texts, return_inverse=True)[1]
        wrong = "A vector must hold finite numbers, but this one holds {!r}. Correct it, or empty the cell."
        findings.add_rows("not_a_number", name, np.array(odd, np.int64), lambda row: wrong.format(text_of[row]), alike)


def _odd_text(table: pa.Table, name: str, row: int) -> str:
    """The first value of a cell that is no finite number, as a text."""
    cell: list[Any] = table.column(name)[row].as_py()
    values = numbers(pa.array(cell, pa.string())) if cell and isinstance(cell[0], str) else np.array(cell)
    return str(cell[int(np.flatnonzero(~np.isfinite(values))[0])])


def fit_vector(table: pa.Table, field: Field, train: np.ndarray | None) -> VectorEncoder:
    """Encoder by the mean and the deviation of each number among training rows, of which a block at a time is held as numbers."""
    dim, chosen = int(field.dim or 1), np.ones(table.num_rows, bool)
    if train is not None:
        chosen[:] = False
        chosen[train] = True
    sums, count = np.zeros(dim), 0
    for vectors in _learnt(table, field.name, dim, chosen):
        sums, count = sums + vectors.sum(axis=0), count + len(vectors)
    means, squares = sums / max(count, 1), np.zeros(dim)
    for vectors in _learnt(table, field.name, dim, chosen):
        squares += np.square(vectors - means).sum(axis=0)
    scales = np.sqrt(squares / max(count, 1))
    scales = np.where((scales > _ROUNDING * np.abs(means)) & np.isfinite(scales), scales, 1.0)
    return VectorEncoder(name=field.name, role=field.role, means=tuple(means.tolist()), scales=tuple(scales.tolist()))


def _learnt(table: pa.Table, name: str, dim: int, chosen: np.ndarray) -> Iterator[np.ndarray]:
    """Vectors of the chosen rows, bool (rows,), block by block: float64 (rows of the block that have one, dim)."""
    for block, cells in number_blocks(table, name):
        vectors = cells.values.reshape(-1, dim)[chosen[block][cells.lengths > 0]]
        yield np.clip(vectors, -_LARGEST, _LARGEST)


def vector_ids(table: pa.Table, field: VectorEncoder) -> np.ndarray:
    """Ids of each row, counted from the field's first table row: int32 (rows, slots)."""
    ids = np.full((table.num_rows, field.slots), PADDING, np.int32)
    for block, cells in number_blocks(table, field.name):
        present = cells.lengths > 0
        ids[block][present] = field.ids(cells.values.reshape(-1, field.slots))
        ids[block][~present, 0] = MISSING
    return ids
