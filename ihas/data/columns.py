"""Columns as distinct canonical texts plus one code per row, so that all later work is done once per distinct value.

A table that was read has two types of column: dictionary<int32, string> for single values and list<string> for several;
texts are canonical (ihas.data.cells), and a missing cell is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.cells import NUMBER_PATTERN, cell_text

TEXT = pa.dictionary(pa.int32(), pa.string())
LIST = pa.list_(pa.string())
_MAY_CHANGE = r"^$|^[^!-~]|[^!-~]$|\.0$|^(?i:true|false)$"


@dataclass(frozen=True)
class Column:
    """Single values of a column.

    Attributes:
        codes: int32 (rows,). Position of each row's text in `texts`; -1 is missing.
        texts: distinct canonical texts; some may occur in no row.
    """

    codes: np.ndarray
    texts: pa.StringArray

    @property
    def counts(self) -> np.ndarray:
        """Rows of each text: int64 (texts,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts))

    def text(self, row: int) -> str | None:
        """Text of a row; None where it is missing."""
        code = int(self.codes[row])
        return None if code < 0 else str(self.texts[code].as_py())

    def rows_where(self, bad: np.ndarray) -> list[int]:
        """Rows, from 0, whose text is marked: bool (texts,)."""
        marked = np.append(bad, False)  # the entry that code -1 reads
        return [int(row) for row in np.flatnonzero(marked[self.codes])] if bad.any() else []


@dataclass(frozen=True)
class ListColumn:
    """Several values per cell.

    Attributes:
        offsets: int64 (rows + 1,). Row r's values are `offsets[r]` up to, without, `offsets[r + 1]`.
        values: the values of all rows, end to end.
    """

    offsets: np.ndarray
    values: Column

    @property
    def lengths(self) -> np.ndarray:
        """Values of each row: int64 (rows,)."""
        return np.diff(self.offsets)


def text_column(table: pa.Table, name: str) -> Column:
    """Single-valued column of a table that was read."""
    array = one_array(table.column(name))
    return Column(_codes(array.indices), array.dictionary)


def list_column(table: pa.Table, name: str) -> ListColumn:
    """Multi-valued column of a table that was read."""
    return as_lists(one_array(table.column(name)))


def is_list(table: pa.Table, name: str) -> bool:
    """Whether a column of a table that was read holds lists."""
    return bool(pa.types.is_list(table.schema.field(name).type))


def cell_codes(table: pa.Table, name: str) -> np.ndarray:
    """A code per different cell of a column, -1 where the cell is missing: int32 (rows,)."""
    if not is_list(table, name):
        return text_column(table, name).codes
    joined: Any = pc.binary_join(one_array(table.column(name)), "\0")
    return np.where(list_column(table, name).lengths > 0, _codes(joined.dictionary_encode().indices), -1).astype(np.int32)


def one_array(column: pa.ChunkedArray[Any]) -> Any:
    """The chunks of a column as one array."""
    combined: Any = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def split_texts(texts: pa.StringArray, separator: str | None) -> ListColumn:
    """Values within each text; without a separator, each text is one value."""
    pieces = (
        pc.split_pattern(texts, separator) if separator else pa.ListArray.from_arrays(pa.array(range(len(texts) + 1), pa.int32()), texts)
    )
    return as_lists(canonical_lists(pieces))


def as_lists(array: pa.ListArray[Any]) -> ListColumn:
    """Lists of canonical texts as codes."""
    values: Any = array.flatten().dictionary_encode()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0), dtype=np.int64)
    return ListColumn(np.concatenate([[0], np.cumsum(lengths)]), Column(_codes(values.indices), values.dictionary))


def numbers(texts: pa.StringArray) -> np.ndarray:
    """Number that each text spells, NaN where it spells none: float64 (texts,), equal to `cell_number` of each text."""
    spelled = pc.match_substring_regex(texts, f"^(?:{NUMBER_PATTERN})$")
    values = pc.if_else(spelled, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    result = values.to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(result), result, np.nan)


def canonical_texts(column: pa.ChunkedArray[Any]) -> pa.DictionaryArray[Any, Any]:
    """Single values of any scalar type as distinct canonical texts."""
    chunks = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    array = one_array(chunks.unify_dictionaries())
    texts, new_codes = _distinct_texts(array.dictionary)
    codes = _codes(array.indices)
    codes = codes if new_codes is None else np.append(new_codes, -1).astype(np.int32)[codes]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), texts)


def canonical_lists(array: pa.ListArray[Any]) -> pa.ListArray[Any]:
    """Lists of any scalar type as lists of canonical texts; missing values within a cell are dropped."""
    texts = canonical_texts(pa.chunked_array([array.flatten()]))
    rows = np.repeat(np.arange(len(array)), pc.fill_null(pc.list_value_length(array), 0))
    kept = np.asarray(texts.is_valid())
    lengths = np.bincount(rows[kept], minlength=len(array))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, texts.drop_null().cast(pa.string()))


def _distinct_texts(values: Any) -> tuple[pa.StringArray, np.ndarray | None]:
    if pa.types.is_float32(values.type) or pa.types.is_float16(values.type):
        values = values.cast(pa.float32()).cast(pa.string()).cast(pa.float64())  # the digits a person wrote, not 0.1 as 0.10000000149
    if not (pa.types.is_string(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type)):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type) and not pc.any(pc.match_substring_regex(values, _MAY_CHANGE)).as_py():
        return values, None
    position: dict[str | None, int] = {None: -1}
    new_codes = [position.setdefault(text, len(position) - 1) for text in map(cell_text, values.to_pylist())]
    return pa.array(list(position)[1:], pa.string()), np.array(new_codes, dtype=np.int32)


def _codes(indices: Any) -> np.ndarray:
    return np.asarray(pc.fill_null(indices, -1))
