"""Tables of clicks from CSV, Parquet and JSON lines, in one form.

A row is a data row: headers and blank lines are not counted. Every column of the result is either single-valued,
dictionary<int32, string>, or multi-valued, list<string>; texts are canonical (ihas.data.cells) and a missing cell is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ihas.data.columns import TEXT, canonical_lists, canonical_texts, one_array
from ihas.data.containers import inner_names
from ihas.data.csv_reader import BATCH_ROWS, csv_batches
from ihas.data.findings import FindingCollector
from ihas.data.gathering import gather
from ihas.data.json_reader import read_json_lines
from ihas.data.number_lists import FORMS, as_numbers, is_of_floats
from ihas.data.parquet_expansion import check_parquet_expansion, parquet_content
from ihas.data.reading import Batches, Format, ReadOptions, Source
from ihas.data.sources import check_signature, raise_unreadable
from ihas.data.value_types import is_any_list, is_readable
from ihas.errors import ConfigError, is_memory_full

_NUL_LAW = "Cells must be text without NUL bytes, but this one holds one. Write the file again as UTF-8."
FORMAT_SUFFIXES: dict[str, Literal["csv", "parquet", "jsonl"]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".psv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


class ReadTable(NamedTuple):
    """A table that was read.

    Attributes:
        rows: in the form described above, at least one.
        notes: warnings about how it was read.
    """

    rows: pa.Table
    notes: FindingCollector


def read_table(path: Path, format: Format = "auto", delimiter: str | None = None) -> pa.Table:
    """The rows of one file; see `read`.

    Args:
        path: the file, plain or compressed (`ihas.data.containers`).
        format: `auto` goes by the suffix.
        delimiter: character between CSV cells; None tells it from the header.
    """
    return read(path, ReadOptions(format, delimiter)).rows


def read(path: Path, options: ReadOptions) -> ReadTable:
    """The rows of one file.

    Args:
        path: the file, plain or compressed (`ihas.data.containers`).
        options: how to read it.

    Raises:
        ConfigError: names of columns for a file that has its own, or that do not fit it.
        DataError: the file cannot be read as a table; each finding has its row and column where it has one.
    """
    known = _format_of(path) if options.format == "auto" else options.format
    check_signature(path, known)
    if options.names and known != "csv":
        raise ConfigError(f"`names` must be of CSV files, but {path.name} is {known}, which has names of its own. Leave `names` out.")
    if options.encoding != "utf-8" and known != "csv":
        raise ConfigError(f"`encoding` must be of CSV files, but {path.name} is {known}, which is UTF-8. Leave `encoding` out.")
    source = Source(path, options)
    reading = _Reading(source)
    table = gather(reading.counted(_BATCHES[known](source)), reading.in_one_form)
    if table.num_rows == 0:
        raise_unreadable(path, "The file must have data rows, but it has none below its header.", "no_rows")
    reading.raise_errors(table.column_names)
    return ReadTable(table, source.notes)


def batches_of(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """The rows of one file in batches, with the types that they have in it; the first batch may hold no rows, only the columns.

    Args:
        path: the file; JSON lines come as one batch.
        options: how to read it.

    Raises:
        DataError: as `read`, but for what is wrong with cells; faults that are known at the file's end come there.
    """
    known = _format_of(path) if options.format == "auto" else options.format
    check_signature(path, known)
    return _BATCHES[known](Source(path, options))


def check_decoded(path: Path, options: ReadOptions, at_most: int) -> None:
    """DataError where a file that is read as Parquet holds more bytes than a limit once it is decoded, told without decoding it."""
    known = _format_of(path) if options.format == "auto" else options.format
    if known == "parquet":
        check_parquet_expansion(path, at_most)


def is_known(path: Path) -> bool:
    """Whether a file's suffix says its format."""
    return any(name.suffix.lower() in FORMAT_SUFFIXES for name in inner_names(path))


def _format_of(path: Path) -> Literal["csv", "parquet", "jsonl"]:
    suffixes = [name.suffix.lower() for name in inner_names(path)]
    suffix = next((one for one in suffixes if one in FORMAT_SUFFIXES), suffixes[0])
    if suffix not in FORMAT_SUFFIXES:
        known = ", ".join(FORMAT_SUFFIXES)
        raise_unreadable(
            path,
            f"The suffix must be one of {known}, optionally compressed as .gz, .zst or .zip, but it is {suffix!r}. "
            "Set `format` if the file is one of these nevertheless, or unpack it first.",
            "unknown_suffix",
        )
    return FORMAT_SUFFIXES[suffix]


def _parquet_batches(source: Source) -> Iterator[pa.Table]:
    path, options = source.path, source.options
    with parquet_content(path) as content:
        try:
            file = pyarrow.parquet.ParquetFile(content)
            schema = file.schema_arrow
            source.check_names(schema.names)
            _check_names([name for name in schema.names if options.wants(name)], path)
            wanted = [column for column in schema if options.wants(column.name)]
            read_names = [column.name for column in wanted if options.needs(column.name) or is_readable(column.type)]
            texts = [column.name for column in wanted if column.type == pa.string()]
            file = pyarrow.parquet.ParquetFile(content, read_dictionary=texts, pre_buffer=False)
            yield pa.table([pa.nulls(0, column.type) for column in wanted], names=[column.name for column in wanted])
            for batch in file.iter_batches(BATCH_ROWS, columns=read_names if len(read_names) < len(schema) else None):
                yield pa.Table.from_arrays([_intact(batch, column, source) for column in wanted], names=[column.name for column in wanted])
        except (pa.ArrowException, OSError) as error:
            if is_memory_full(error):
                raise
            raise_unreadable(path, f"The file must be intact Parquet, but it is not: {error}. Write or copy it again.")


def _intact(batch: pa.RecordBatch, column: Any, source: Source) -> Any:
    """A column of the batch; of an ignored one that was not read, or is damaged, only nulls."""
    if batch.schema.get_field_index(column.name) < 0:
        return pa.nulls(batch.num_rows, column.type)
    array = batch.column(column.name)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        if source.options.needs(column.name):
            raise
        source.note_unread(column.name, "damaged values")
        return pa.nulls(batch.num_rows, column.type)
    return array


def _check_names(names: list[str], path: Path) -> None:
    findings = FindingCollector()
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        findings.add("duplicate_column", "Column names must differ, but several columns have this one. Rename all but one.", column=name)
    findings.raise_errors(f"{path.name} cannot be read")


def _json_batches(source: Source) -> Iterator[pa.Table]:
    """All rows of a JSON-lines file at once, for any row may show another column or type: see `read_json_lines`."""
    table = read_json_lines(source.path, source.options)
    source.check_names(table.column_names)
    yield table.select([name for name in table.column_names if source.options.wants(name)])


class _Reading:
    """Faults of the cells of one file, while its batches come."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.rows = 0
        self.unsupported: dict[str, Any] = {}
        self.nul_rows: dict[str, list[int]] = {}

    def counted(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The batches; `rows` are those before the last one."""
        for batch in batches:
            yield batch
            self.rows += batch.num_rows

    def in_one_form(self, name: str, column: Any) -> Any:
        """One array of the form described above; faults are noted."""
        try:
            array = as_numbers(column) if is_of_floats(column.type) else column_in_one_form(column)
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid, TypeError):
            self.unsupported[name] = column.type
            return pa.nulls(len(column), TEXT)
        if self.source.options.needs(name):
            self.nul_rows.setdefault(name, []).extend(self.rows + row for row in _rows_with_nul(array))
        return array

    def raise_errors(self, names: list[str]) -> None:
        """DataError where there was a fault; what an ignored column holds is a warning."""
        findings, path = FindingCollector(), self.source.path
        for name in (name for name in names if name in self.unsupported):
            if not self.source.options.needs(name):
                self.source.note_unread(name, str(self.unsupported[name]))
                continue
            law = f"Cells must be texts, numbers, booleans, times, or lists of them, but this column holds {self.unsupported[name]}."
            findings.add("unsupported_type", f"{law} Write its parts as columns of their own, or list it under `ignored`.", column=name)
        for name in names:
            rows = self.nul_rows.get(name, [])
            findings.add_rows("nul_byte", name, rows, lambda _: _NUL_LAW, np.zeros(len(rows)))
        findings.raise_errors(f"{path.name} cannot be read")


def column_in_one_form(column: Any) -> Any:
    """A column of any type, `pa.ChunkedArray`, as one array of the form described above.

    Raises:
        TypeError: no cell can have its type.
    """
    if not is_readable(column.type):
        raise TypeError(column.type)
    if is_any_list(column.type):
        return canonical_lists(one_array(column.cast(pa.list_(column.type.value_type))))
    if pa.types.is_dictionary(column.type) and column.type.value_type != pa.string():
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return canonical_texts(column)


def _rows_with_nul(array: Any) -> list[int]:
    if array.type in FORMS:
        return []
    texts = array.dictionary if pa.types.is_dictionary(array.type) else array.values
    if not pc.any(pc.match_substring(texts, "\0")).as_py():
        return []
    return [row for row, cell in enumerate(array.to_pylist()) if cell is not None and "\0" in "".join(cell)]


_BATCHES: dict[str, Batches] = {"csv": csv_batches, "parquet": _parquet_batches, "jsonl": _json_batches}
