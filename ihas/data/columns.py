"""Columns as distinct canonical texts plus one code per row, so that all later work is done once per distinct value.

A table that was read has two types of column: dictionary<int32, string> for single values and list<string> for several;
texts are canonical (ihas.data.cells), and a missing cell is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.cells import NUMBER_PATTERN, cell_text
from ihas.data.mapped import release, spans
from ihas.data.value_types import plain_values, stored_values

TEXT = pa.dictionary(pa.int32(), pa.string())
LIST = pa.list_(pa.string())
_COUNTED_ROWS = 1 << 20
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
        counts = np.zeros(len(self.texts) + 1, dtype=np.int64)  # the first entry is that of code -1
        for block in spans(len(self.codes), _COUNTED_ROWS):
            counts += np.bincount(self.codes[block] + 1, minlength=len(counts))
        return counts[1:]

    def text(self, row: int) -> str | None:
        """Text of a row; None where it is missing."""
        code = int(self.codes[row])
        return None if code < 0 else str(self.texts[code].as_py())

    def rows_where(self, bad: np.ndarray) -> np.ndarray:
        """Rows, from 0, whose text is marked: bool (texts,) -> int64 (n,)."""
        marked = np.append(bad, False)  # the entry that code -1 reads
        return np.flatnonzero(marked[self.codes]) if bad.any() else np.zeros(0, np.int64)

    def take(self, rows: np.ndarray | None) -> Column:
        """The column of some rows, int64 (n,); of all where there are none."""
        return self if rows is None else Column(self.codes[rows], self.texts)


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

    def take(self, rows: np.ndarray | None) -> ListColumn:
        """The column of some rows, int64 (n,) ascending; of all where there are none."""
        if rows is None:
            return self
        chosen = np.zeros(len(self.lengths), dtype=bool)
        chosen[rows] = True
        codes = self.values.codes[np.repeat(chosen, self.lengths)]
        return ListColumn(np.concatenate([[0], np.cumsum(self.lengths[rows])]), Column(codes, self.values.texts))


def text_column(table: pa.Table, name: str) -> Column:
    """Single-valued column of a table that was read."""
    chunks: Any = table.column(name).unify_dictionaries().chunks or [pa.array([], TEXT)]
    return Column(joined_codes([chunk.indices for chunk in chunks]), chunks[0].dictionary)


def clicked_texts(column: Column) -> np.ndarray:
    """Which texts of a label are clicks: bool (texts,)."""
    return np.isin(column.texts.to_numpy(zero_copy_only=False), ("1", "true"))


def repeated_text(text: str | None, rows: int) -> Any:
    """A column of text that is alike in all rows, or missing in all, in the form of `ihas.data.readers`."""
    codes: Any = pa.array(np.zeros(rows, np.int32)) if text is not None else pa.nulls(rows, pa.int32())
    texts: Any = pa.array([] if text is None else [text], pa.string())
    return pa.DictionaryArray.from_arrays(codes, texts)


def list_column(table: pa.Table, name: str) -> ListColumn:
    """Multi-valued column of a table that was read; lists of numbers (`ihas.data.number_lists`) as texts."""
    column: Any = table.column(name)
    return as_lists(column if column.type == LIST else as_texts(column))


def as_texts(column: Any) -> Any:
    """A column of lists of numbers as one of canonical texts."""
    chunks: Any = [canonical_lists(chunk) for chunk in column.chunks]
    form: Any = LIST
    return pa.chunked_array(chunks, form)


def is_list(table: pa.Table, name: str) -> bool:
    """Whether a column of a table that was read holds lists."""
    return bool(pa.types.is_list(table.schema.field(name).type))


def one_array(column: pa.ChunkedArray[Any]) -> Any:
    """The chunks of a column as one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    combined: Any = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def split_texts(texts: pa.StringArray, separator: str | None) -> ListColumn:
    """Values within each text; without a separator, each text is one value."""
    pieces = (
        pc.split_pattern(texts, separator) if separator else pa.ListArray.from_arrays(pa.array(range(len(texts) + 1), pa.int32()), texts)
    )
    return as_lists(pa.chunked_array([canonical_lists(pieces)]))


def as_lists(lists: pa.ChunkedArray[Any]) -> ListColumn:
    """Lists of canonical texts as codes."""
    flat: list[Any] = [chunk.flatten() for chunk in cast("list[Any]", lists.chunks)]
    values: Any = pa.chunked_array(flat, pa.string()).dictionary_encode()
    chunks = values.unify_dictionaries().chunks or [pa.array([], TEXT)]
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return ListColumn(offsets, Column(joined_codes([chunk.indices for chunk in chunks]), chunks[0].dictionary))


def numbers(texts: pa.StringArray) -> np.ndarray:
    """Number that each text spells, NaN where it spells none: float64 (texts,), equal to `cell_number` of each text."""
    spelled = pc.match_substring_regex(texts, f"^(?:{NUMBER_PATTERN})$")
    values = pc.if_else(spelled, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    result = values.to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(result), result, np.nan)


def canonical_texts(column: pa.ChunkedArray[Any]) -> pa.DictionaryArray[Any, Any]:
    """Single values of any scalar type as distinct canonical texts."""
    column = stored_values(column)
    if pa.types.is_null(column.type) or not len(column):  # Arrow makes no array of no chunks of a dictionary
        return pa.DictionaryArray.from_arrays(pa.nulls(len(column), pa.int32()), pa.array([], pa.string()))
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
    values = plain_values(values)
    if pa.types.is_string(values.type) and not pc.any(pc.match_substring_regex(values, _MAY_CHANGE)).as_py():
        return values, None
    position: dict[str | None, int] = {None: -1}
    new_codes = [position.setdefault(text, len(position) - 1) for text in map(cell_text, values.to_pylist())]
    return pa.array(list(position)[1:], pa.string()), np.array(new_codes, dtype=np.int32)


def _codes(indices: Any) -> np.ndarray:
    return np.asarray(pc.fill_null(indices, -1))


def joined_codes(chunks: list[Any]) -> np.ndarray:
    """Codes of all chunks, in memory; what was mapped for them is given back."""
    codes = np.concatenate([np.zeros(0, np.int32), *map(_codes, chunks)])
    release()
    return codes
