"""A table that is read in batches and may be larger than memory.

A text column keeps each distinct canonical text once and a code for each row. Codes and lists lie in memory while they are few, and
in a mapped file otherwise, so that memory grows with the distinct texts and not with the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import IOBase
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data import mapped
from ihas.data.columns import TEXT

OneForm = Callable[[str, Any], Any]


def gather(batches: Iterable[pa.Table], in_one_form: OneForm) -> pa.Table:
    """The rows of all batches, in order.

    Args:
        batches: tables with the same columns; at least one.
        in_one_form: from a column's name and its chunks to one array: distinct canonical texts with codes, or lists of such texts.
    """
    dictionaries: dict[str, Dictionary] = {}
    rows = _Rows()
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        for batch in batches:
            for name in batch.column_names:
                dictionaries.setdefault(name, Dictionary())
            known = [dictionaries[name] for name in batch.column_names]
            arrays = pool.map(
                lambda name, column, texts: texts.codes_of(in_one_form(name, column)), batch.column_names, batch.columns, known
            )
            rows.add(pa.table(list(arrays), names=batch.column_names))
    return _with_texts(rows.table(), dictionaries)


def without_texts(column: pa.ChunkedArray[Any], dropped: np.ndarray) -> pa.ChunkedArray[Any]:
    """A text column of a table that was gathered, with null where a cell has one of the dropped texts: bool (texts,)."""
    unified: Any = column.unify_dictionaries()
    code_of = np.where(dropped, -1, np.cumsum(~dropped) - 1)
    return recoded(unified, code_of, unified.chunk(0).dictionary.filter(pa.array(~dropped)))


def recoded(column: pa.ChunkedArray[Any], code_of: np.ndarray, texts: Any) -> pa.ChunkedArray[Any]:
    """A text column of a table that was gathered, with other texts.

    Args:
        column: its chunks share one dictionary, as `unify_dictionaries` makes it.
        code_of: int (texts of the column,). Position of each text's new text in `texts`; -1 makes its cells missing.
        texts: the new texts, each once.
    """
    codes = pa.array(code_of.astype(np.int32), mask=code_of < 0)
    rows = _Rows()
    for chunk in cast("list[Any]", column.chunks):
        rows.add(pa.table({"codes": codes.take(chunk.indices)}))
    known = Dictionary()
    known.texts = texts
    return _with_texts(rows.table(), {"codes": known}).column("codes")


def kept_rows(table: pa.Table, kept: np.ndarray) -> pa.Table:
    """The marked rows, bool (rows,), of a table that was gathered, in its form; none of its texts is forgotten."""
    rows, start = _Rows(), 0
    codes: dict[str, Any] = {name: table.column(name).unify_dictionaries() for name in table.column_names if not _holds_lists(table, name)}
    table = pa.table({name: codes.get(name, table.column(name)) for name in table.column_names})
    batches: list[Any] = table.to_batches()
    for batch in batches:
        mask = pa.array(kept[start : start + batch.num_rows])
        columns = {name: batch.column(name) if name not in codes else batch.column(name).indices for name in table.column_names}
        rows.add(pa.table(columns).filter(mask))
        start += batch.num_rows
    texts = {name: Dictionary() for name in codes}
    for name, column in codes.items():
        texts[name].texts = column.chunk(0).dictionary
    return _with_texts(rows.table(), texts)


def _holds_lists(table: pa.Table, name: str) -> bool:
    return bool(pa.types.is_list(table.schema.field(name).type))


class Dictionary:
    """Distinct texts of a column in the order in which batches show them."""

    def __init__(self) -> None:
        self.texts: Any = pa.array([], pa.string())
        self._last: tuple[Any, pa.Array[Any]] | None = None

    def codes_of(self, array: Any) -> Any:
        """Codes of a batch, int32 with nulls, after its new texts were added; lists stay as they are."""
        if not pa.types.is_dictionary(array.type):
            return array
        if self._last is None or not _is_same(self._last[0], array.dictionary):
            self._last = (array.dictionary, self._added(array))
        return self._last[1].take(array.indices)

    def _added(self, array: Any) -> Any:
        """Code of each text of the batch's dictionary: int32 (texts,)."""
        known = pc.index_in(array.dictionary, self.texts)
        fresh = np.asarray(known.is_null())
        code_of = np.asarray(pc.fill_null(known, -1), dtype=np.int32)
        code_of = np.where(fresh, len(self.texts) + np.cumsum(fresh, dtype=np.int32) - 1, code_of)
        self.texts = pa.concat_arrays([self.texts, array.dictionary.filter(pa.array(fresh))]) if fresh.any() else self.texts
        return pa.array(code_of, pa.int32())


def _is_same(first: Any, second: Any) -> bool:
    """Whether two arrays are one in memory: batches of a table that was read share their dictionary."""
    places = [[(one.offset, len(one)), *map(_place, one.buffers())] for one in (first, second)]
    return places[0] == places[1]


def _place(buffer: Any) -> tuple[int, int]:
    return (0, 0) if buffer is None else (buffer.address, buffer.size)


class _Rows:
    """Batches in memory, and before them those in a file."""

    def __init__(self) -> None:
        self._batches: list[pa.Table] = []
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def add(self, batch: pa.Table) -> None:
        self._batches.append(batch)
        if sum(kept.nbytes for kept in self._batches) > mapped.IN_MEMORY_BYTES:
            self._spill()

    def table(self) -> pa.Table:
        if self._file is None:
            return pa.concat_tables(self._batches)
        self._spill()
        self._writer.close()
        with self._file as file:
            file.flush()
            return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped.map_file(file)))).read_all()

    def _spill(self) -> None:
        if self._file is None:
            self._file = mapped.scratch_file()
            sink = pa.PythonFile(cast("IOBase", self._file), "w")
            self._writer = pa.ipc.new_file(sink, self._batches[0].schema)
        for batch in self._batches:
            self._writer.write_table(batch)
        self._batches.clear()


def _with_texts(table: pa.Table, dictionaries: dict[str, Dictionary]) -> pa.Table:
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        chunks: list[Any] = column.chunks
        if not pa.types.is_list(column.type):
            chunks = [pa.DictionaryArray.from_arrays(codes, dictionaries[name].texts, safe=False) for codes in chunks]
        form: Any = column.type if pa.types.is_list(column.type) else TEXT
        columns[name] = pa.chunked_array(chunks, form)
    return pa.table(columns)
