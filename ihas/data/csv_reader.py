"""CSV with any delimiter: pyarrow reads it; where that fails, `ihas.data.csv_faults` finds the rows and columns at fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

from ihas.data.columns import TEXT
from ihas.data.csv_faults import MAX_RAGGED, LostRows, check_last_quote, find_encoding_faults, raise_ragged
from ihas.data.csv_header import Header, check_header, read_header
from ihas.data.reading import Source
from ihas.data.sources import raise_unreadable

BATCH_ROWS = 1 << 19
_BLOCK_BYTES = 1 << 22
_BYTES: Any = pa.dictionary(pa.int32(), pa.binary())


def csv_batches(source: Source) -> Iterator[pa.Table]:
    """Rows of a CSV file in batches of about `BATCH_ROWS`, as dictionary columns of texts; an empty cell is null, quoted or not.

    Raises:
        ConfigError: a delimiter or an escape character that CSV cannot have.
        DataError: empty file, unusable header, rows with too few or too many cells, an open quote, a quote that runs over rows, or
            text that is not UTF-8.
    """
    header = read_header(source)
    source.check_names(header.names)
    check_header(header, source)
    ragged, rows, last, lost = list[Any](), 0, None, LostRows(header)
    yield _wanted(pa.table([pa.array([], TEXT) for _ in header.names], names=_positions(header)), header, source)
    try:
        for batch in _joined(_parse(source, header, ragged)):
            lost.note(batch, rows)
            rows, last = rows + batch.num_rows, batch.column(batch.num_columns - 1)[-1].as_py()
            yield _wanted(batch, header, source)
    except pa.ArrowInvalid as error:
        _raise_ragged(source, header, ragged)
        find_encoding_faults(source, header)
        law = f"The rows must be readable as CSV, but they are not: {error}. Look for a quote that is never closed."
        raise_unreadable(source.path, law)
    lost.raise_errors(source)
    _raise_ragged(source, header, ragged)
    check_last_quote(source, header, last, rows)


def _raise_ragged(source: Source, header: Header, ragged: list[Any]) -> None:
    """DataError about rows at fault, where there are some; read again, for row numbers are known to a single thread only."""
    if not ragged:
        return
    rows_at_fault = list[Any]()
    with suppress(pa.ArrowInvalid):
        for _ in _parse(source, header, rows_at_fault, use_threads=False):
            pass
    raise_ragged(source, header, rows_at_fault)


def _positions(header: Header) -> list[str]:
    return list(map(str, range(len(header.names))))


def _parse(source: Source, header: Header, ragged: list[Any], *, use_threads: bool = True) -> Iterator[pa.RecordBatch]:
    """Batches whose columns are called by their positions."""

    def skip(row: Any) -> Literal["skip", "error"]:
        ragged.append(row)
        return "skip" if len(ragged) < MAX_RAGGED else "error"

    dialect, names = header.dialect, _positions(header)
    types = {name: TEXT if source.options.needs(column) else _BYTES for name, column in zip(names, header.names, strict=True)}
    with source.opened() as stream:
        rows: Any = _WholeBreaks(stream, header.num_bytes)
        if rows.is_empty:
            return
        text: Any = pa.PythonFile(rows, "r")
        yield from pyarrow.csv.open_csv(
            text,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=use_threads, column_names=names),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char='"' if dialect.quoting else False,
                escape_char=dialect.escape or False,
                newlines_in_values=dialect.quoting,
                invalid_row_handler=skip,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True
            ),
        )


class _WholeBreaks:
    """The rows' bytes in pieces that never end between the two characters of a line break, of which Arrow would lose the second."""

    closed = False

    def __init__(self, stream: Any, skipped: int) -> None:
        self._stream = stream
        while skipped and (part := stream.read(min(skipped, _BLOCK_BYTES))):
            skipped -= len(part)
        self._first = stream.read_buffer(1)

    @property
    def is_empty(self) -> bool:
        """Whether there is no row."""
        return not len(self._first)

    def read(self, most: int) -> Any:
        """At most so many bytes; none at the end."""
        first, self._first = self._first, None
        piece = first.to_pybytes() + self._stream.read(most - 2) if first is not None else self._stream.read_buffer(most - 1)
        return bytes(piece) + self._stream.read(1) if len(piece) and piece[len(piece) - 1] in (13, b"\r") else piece

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """The stream is closed by whoever opened it."""


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Several small batches as one, for each is compared with all texts known so far."""
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        kept += [batch] if batch.num_rows else []
        if sum(one.num_rows for one in kept) >= BATCH_ROWS:
            yield pa.Table.from_batches(kept)
            kept.clear()
    if kept:
        yield pa.Table.from_batches(kept)


def _wanted(batch: pa.Table, header: Header, source: Source) -> pa.Table:
    """The batch's wanted columns under their names; those that are ignored are texts where they can be."""
    columns = [
        (name, column if source.options.needs(name) else _as_texts(column))
        for name, column in zip(header.names, batch.columns, strict=True)
        if source.options.wants(name)
    ]
    return pa.table([column for _, column in columns], names=[name for name, _ in columns])


def _as_texts(column: Any) -> Any:
    try:
        chunks: Any = [pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(pa.string())) for chunk in column.chunks]
    except pa.ArrowInvalid:
        return column
    form: Any = TEXT
    return pa.chunked_array(chunks, form)
