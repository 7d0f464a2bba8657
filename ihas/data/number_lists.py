"""Lists of floating-point numbers, which stay numbers: a text for each would take three times the memory, and most of the time of reading.

A column of a table that was read is either of canonical texts or, where its file has floating-point numbers, of this form; only columns
of vectors keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.columns import as_lists, numbers, one_array, text_column
from ihas.data.mapped import release, spans
from ihas.data.value_types import is_any_list

FORMS: tuple[Any, ...] = (pa.list_(pa.float32()), pa.list_(pa.float64()))
BLOCK_ROWS = 1 << 14
_MULTIPLIER, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


@dataclass(frozen=True)
class NumberLists:
    """Several numbers per cell.

    Attributes:
        lengths: int64 (rows,). Numbers of each row.
        values: float64 (numbers,). Those of all rows, end to end; NaN for a text that is no number.
    """

    lengths: np.ndarray
    values: np.ndarray


def is_of_floats(data_type: Any) -> bool:
    """Whether a column of a file has lists of floating-point numbers of 32 or 64 bits; of 16, texts take less than what they say."""
    return bool(is_any_list(data_type) and pa.list_(data_type.value_type) in FORMS)


def holds_numbers(table: pa.Table, name: str) -> bool:
    """Whether a column of a table that was read has this form."""
    return table.schema.field(name).type in FORMS


def as_numbers(column: Any) -> Any:
    """A column of lists of floating-point numbers as one array of this form; null and NaN within a cell are dropped, as no numbers."""
    lists: Any = one_array(column.cast(pa.list_(column.type.value_type)))
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
    flat: Any = lists.flatten()
    values = flat.to_numpy(zero_copy_only=False)
    odd = np.isnan(values)
    if odd.any():
        rows = np.repeat(np.arange(len(lengths)), lengths)
        lengths = lengths - np.bincount(rows[odd], minlength=len(lengths))
        values = values[~odd]
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(values, flat.type))


def alike(column: Any, form: Any) -> Any:
    """A column of this form, or of lists of canonical texts each of which spells a number, in one of `FORMS`."""
    if column.type in FORMS:
        return column.cast(form)
    cells = as_lists(column)
    values = pa.array(numbers(cells.values.texts)[cells.values.codes], form.value_type)
    return pa.chunked_array([pa.ListArray.from_arrays(pa.array(cells.offsets, pa.int32()), values)], form)


def first_of_no_number(table: pa.Table, name: str) -> tuple[int, str] | None:
    """Row, from 0, and text of the first value of a column, of single values or lists of texts, that is no number; None without one."""
    column: Any = table.column(name)
    cells = as_lists(column) if is_any_list(column.type) else None
    texts = text_column(table, name) if cells is None else cells.values
    odd = np.isnan(np.append(numbers(texts.texts), 0.0))[texts.codes]
    if not odd.any():
        return None
    place = int(np.flatnonzero(odd)[0])
    row = place if cells is None else int(np.searchsorted(cells.offsets, place, side="right")) - 1
    return row, str(texts.texts[int(texts.codes[place])].as_py())


def number_blocks(table: pa.Table, name: str) -> Iterator[tuple[slice, NumberLists]]:
    """Neighbouring rows of a column of lists, of either form, and their numbers."""
    column: Any = table.column(name)
    for block in spans(table.num_rows, BLOCK_ROWS):
        yield block, _numbers_of(column.slice(block.start, block.stop - block.start))
        release()


def _numbers_of(column: Any) -> NumberLists:
    if column.type not in FORMS:
        cells = as_lists(column)
        return NumberLists(cells.lengths, numbers(cells.values.texts)[cells.values.codes])
    array = one_array(column)
    lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0), np.int64)
    return NumberLists(lengths, np.asarray(array.flatten().to_numpy(zero_copy_only=False), np.float64))


def cell_hashes(table: pa.Table, name: str) -> np.ndarray:
    """A hash of each cell of a column of this form, alike for equal cells: uint64 (rows,), 0 of empty ones."""
    hashes = np.zeros(table.num_rows, np.uint64)
    for block, cells in number_blocks(table, name):
        bits = (cells.values + 0.0).view(np.uint64)  # -0 is 0
        place = np.arange(bits.size) - np.repeat(np.cumsum(cells.lengths) - cells.lengths, cells.lengths)
        mixed = (bits + (place + 1).astype(np.uint64)) * _MULTIPLIER
        mixed = (mixed ^ (mixed >> _SHIFT)) * _MULTIPLIER
        full = cells.lengths > 0
        starts = (np.cumsum(cells.lengths) - cells.lengths)[full]
        if starts.size:
            hashes[block][full] = np.add.reduceat(mixed, starts) | np.uint64(1)
    return hashes


def value_counts(table: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Different finite numbers of a column of lists, and how often each occurs: float64 (n,), int64 (n,)."""
    values = [cells.values[np.isfinite(cells.values)] for _, cells in number_blocks(table, name)]
    found, counts = np.unique(np.concatenate([np.empty(0), *values]), return_counts=True)
    return found, counts
