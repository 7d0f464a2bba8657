"""Tables of clicks from CSV, Parquet and JSON lines, in one form.

A row is a data row: headers and blank lines are not counted. Every column of the result is either single-valued,
dictionary<int32, string>, or multi-valued, list<string>; texts are canonical (ihas.data.cells) and a missing cell is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ihas.data.columns import LIST, TEXT, canonical_lists, canonical_texts, one_array
from ihas.data.csv_reader import BATCH_ROWS, csv_batches
from ihas.data.findings import FindingCollector
from ihas.data.gathering import gather
from ihas.data.json_reader import json_batches
from ihas.data.sources import compression_of, opened, raise_unreadable

Format = Literal["auto", "csv", "parquet", "jsonl"]

_NUL_LAW = "Cells must be text without NUL bytes, but this one holds one. Write the file again as UTF-8."
_FORMATS: dict[str, Literal["csv", "parquet", "jsonl"]] = {
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


def read_table(path: Path, format: Format = "auto", delimiter: str | None = None) -> pa.Table:
    """The rows of one file.

    Args:
        path: the file; a last suffix of .gz, .zst or .zstd says that it is compressed.
        format: `auto` goes by the suffix.
        delimiter: character between CSV cells; None tells it from the header.

    Returns:
        Table in the form described above, with at least one row.

    Raises:
        DataError: the file cannot be read as a table; each finding has its row and column where it has one.
    """
    known = _format_of(path) if format == "auto" else format
    batches = csv_batches(path, delimiter) if known == "csv" else _BATCHES[known](path)
    reading = _Reading()
    table = gather(reading.counted(batches), reading.in_one_form)
    if table.num_rows == 0:
        raise_unreadable(path, "The file must have data rows, but it has none below its header.", "no_rows")
    reading.raise_errors(table.column_names, path)
    return table


def _format_of(path: Path) -> Literal["csv", "parquet", "jsonl"]:
    inner = path.with_suffix("") if compression_of(path) else path
    suffix = inner.suffix.lower()
    if suffix not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise_unreadable(
            path,
            f"The suffix must be one of {known}, optionally followed by .gz or .zst, but it is {suffix!r}. "
            "Set `format` if the file is one of these nevertheless, or unpack it first.",
            "unknown_suffix",
        )
    return _FORMATS[suffix]


def _parquet_batches(path: Path) -> Iterator[pa.Table]:
    with opened(path) as stream:
        source: Any = pa.BufferReader(stream.read()) if compression_of(path) else path
        try:
            file = pyarrow.parquet.ParquetFile(source)
            _check_names(file.schema_arrow.names, path)
            texts = [field.name for field in file.schema_arrow if field.type == pa.string()]
            file = pyarrow.parquet.ParquetFile(source, read_dictionary=texts, pre_buffer=False)
            yield file.schema_arrow.empty_table()
            for batch in file.iter_batches(BATCH_ROWS):
                batch.validate(full=True)
                yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as error:
            raise_unreadable(path, f"The file must be intact Parquet, but it is not: {error}. Write or copy it again.")


def _check_names(names: list[str], path: Path) -> None:
    findings = FindingCollector()
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.add("duplicate_column", "Column names must differ, but several columns have this one. Rename all but one.", column=name)
    findings.raise_errors(f"{path.name} cannot be read")


class _Reading:
    """Faults of the cells of one file, while its batches come."""

    def __init__(self) -> None:
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
            array = _column_in_one_form(column)
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid, TypeError):
            self.unsupported[name] = column.type
            return pa.nulls(len(column), LIST if pa.types.is_nested(column.type) else TEXT)
        self.nul_rows.setdefault(name, []).extend(self.rows + row for row in _rows_with_nul(array))
        return array

    def raise_errors(self, names: list[str], path: Path) -> None:
        """DataError where there was a fault."""
        findings = FindingCollector()
        for name in (name for name in names if name in self.unsupported):
            law = f"Cells must be texts, numbers, booleans, times, or lists of them, but this column holds {self.unsupported[name]}."
            findings.add("unsupported_type", f"{law} Write its parts as columns of their own.", column=name)
        for name in names:
            findings.add_rows("nul_byte", name, self.nul_rows.get(name, []), lambda _: _NUL_LAW)
        findings.raise_errors(f"{path.name} cannot be read")


def _column_in_one_form(column: Any) -> Any:
    """TypeError for a type that no cell can have."""
    if pa.types.is_nested(column.type):
        return _lists_in_one_form(column)
    if pa.types.is_dictionary(column.type) and column.type.value_type != pa.string():
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        raise TypeError(column.type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return canonical_texts(column)


def _lists_in_one_form(column: Any) -> Any:
    if not _is_any_list(column.type) or pa.types.is_nested(column.type.value_type):
        raise TypeError(column.type)
    return canonical_lists(one_array(column.cast(pa.list_(column.type.value_type))))


def _is_any_list(data_type: Any) -> bool:
    return any(is_list(data_type) for is_list in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _rows_with_nul(array: Any) -> list[int]:
    texts = array.dictionary if pa.types.is_dictionary(array.type) else array.values
    if not pc.any(pc.match_substring(texts, "\0")).as_py():
        return []
    return [row for row, cell in enumerate(array.to_pylist()) if cell is not None and "\0" in "".join(cell)]


_BATCHES = {"parquet": _parquet_batches, "jsonl": json_batches}
