"""A table's files, answered in blocks and written as Parquet, CSV or JSON lines; memory holds some blocks, whatever the files hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from ihas.data.appending import own_options
from ihas.data.readers import batches_of
from ihas.data.reading import ReadOptions
from ihas.data.value_types import is_any_list
from ihas.errors import ConfigError, DataError
from ihas_pipelines.batch.answering import Answering, in_one_form

BLOCK_ROWS = 2_000
GROUP_ROWS = 1 << 17
"""Rows of a row group of Parquet."""
Told = Callable[[int], None]


class Sink(Protocol):
    """Takes tables with the same columns."""

    def write(self, table: pa.Table) -> None:
        """Take the next rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def answer_files(paths: Sequence[Path], options: ReadOptions, answering: Answering, target: Path, told: Told = lambda _: None) -> int:
    """Answer the rows of several files and write them beside their columns; the target appears when it is whole.

    Args:
        paths: files of rows; those after the first are read by their suffix.
        options: how to read them.
        answering: what to do with the rows.
        target: `.parquet`, `.csv` or `.jsonl`.
        told: hears the number of rows so far.

    Returns:
        Rows that were answered.

    Raises:
        DataError, RequestError: a file or a row cannot be read or answered; says which row of all files.
        ConfigError: the target has another suffix.
    """
    rows = 0
    with _replaced(target) as partial:
        sink: Sink | None = None
        for block in blocks(paths, options):
            if sink is None:
                answering.check_columns(block.column_names)
                sink = _sink(partial, target.suffix)
            sink.write(answering.answered(block, rows + 1))
            rows += block.num_rows
            told(rows)
        if sink is not None:
            sink.close()
    return rows


def blocks(paths: Sequence[Path], options: ReadOptions) -> Iterator[pa.Table]:
    """Rows in blocks of at most `BLOCK_ROWS`, all with the columns of the first file; the first block has no rows.

    Cells have the types of the file; of several files, which may differ in them, they are canonical texts.

    Raises:
        DataError: a file cannot be read, lacks a column of the first one, or has cells that are no values.
    """
    names: list[str] | None = None
    for number, path in enumerate(paths):
        for batch in batches_of(path, own_options(path, options) if number else options):
            names = names or batch.column_names
            absent = [name for name in names if name not in batch.column_names]
            if absent:
                raise DataError(f"{path.name} must have the columns of the first file, but it has no `{absent[0]}`. Add it.")
            table = batch.select(names)
            for start in range(0, max(table.num_rows, 1), BLOCK_ROWS):
                piece = table.slice(start, BLOCK_ROWS)
                yield pa.table({name: _cells(piece.column(name), name, len(paths) > 1) for name in names})


def _cells(column: Any, name: str, as_texts: bool) -> Any:
    if as_texts:
        column = pa.chunked_array([in_one_form(column, name)])
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _sink(path: Path, suffix: str) -> Sink:
    if suffix not in SINKS:
        raise ConfigError(f"Answers are written to a file that ends with {', '.join(SINKS)}, but got {suffix!r}. Name it so.")
    return SINKS[suffix](path)


class ParquetSink:
    """Parquet, a row group for many blocks."""

    def __init__(self, path: Path) -> None:
        self._path, self._waiting, self._writer = path, list[pa.Table](), None

    _writer: pyarrow.parquet.ParquetWriter | None

    def write(self, table: pa.Table) -> None:
        """See `Sink`."""
        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(self._path, table.schema, compression="zstd")
        self._waiting.append(table)
        if sum(one.num_rows for one in self._waiting) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """See `Sink`."""
        if self._writer is not None:
            self._flush()
            self._writer.close()

    def _flush(self) -> None:
        if self._writer is not None and self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
            self._waiting.clear()


class CsvSink:
    """CSV; lists are joined with `|`."""

    def __init__(self, path: Path) -> None:
        self._path, self._writer = path, None

    _writer: Any

    def write(self, table: pa.Table) -> None:
        """See `Sink`."""
        flat = pa.table({name: _joined(column) for name, column in zip(table.column_names, table.columns, strict=True)})
        if self._writer is None:
            self._writer = pyarrow.csv.CSVWriter(self._path, flat.schema)
        self._writer.write_table(flat)

    def close(self) -> None:
        """See `Sink`."""
        if self._writer is not None:
            self._writer.close()


class LinesSink:
    """JSON lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, table: pa.Table) -> None:
        """See `Sink`."""
        self._file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in table.to_pylist())

    def close(self) -> None:
        """See `Sink`."""
        self._file.close()


SINKS: dict[str, Callable[[Path], Sink]] = {".parquet": ParquetSink, ".csv": CsvSink, ".jsonl": LinesSink}


def _joined(column: Any) -> Any:
    if not is_any_list(column.type):
        return column
    texts = column.cast(pa.list_(pa.string()))
    return pc.binary_join(texts, "|")


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    partial = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        yield partial
        if partial.exists():
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
