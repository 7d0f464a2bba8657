"""Tables of clicks from CSV, Parquet and JSON lines, in one form.

A row is a data row: headers and blank lines are not counted. Every column of the result is either single-valued,
dictionary<int32, string>, or multi-valued, list<string>; texts are canonical (ihas.data.cells) and a missing cell is null.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ihas.data.columns import canonical_lists, canonical_texts, one_array
from ihas.data.csv_reader import read_csv
from ihas.data.findings import FindingCollector
from ihas.data.json_reader import read_json_lines
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
    table = read_csv(path, delimiter) if known == "csv" else _READERS[known](path)
    if table.num_rows == 0:
        raise_unreadable(path, "The file must have data rows, but it has none below its header.", "no_rows")
    return _in_one_form(table, path)


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


def _read_parquet(path: Path) -> pa.Table:
    with opened(path) as stream:
        source: Any = pa.BufferReader(stream.read()) if compression_of(path) else path
        try:
            table = pyarrow.parquet.ParquetFile(source).read()
            table.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise_unreadable(path, f"The file must be intact Parquet, but it is not: {error}. Write or copy it again.")
    _check_names(table.column_names, path)
    return table


def _check_names(names: list[str], path: Path) -> None:
    findings = FindingCollector()
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.add("duplicate_column", "Column names must differ, but several columns have this one. Rename all but one.", column=name)
    findings.raise_errors(f"{path.name} cannot be read")


def _in_one_form(table: pa.Table, path: Path) -> pa.Table:
    findings = FindingCollector()
    columns: dict[str, Any] = {}
    for name in table.column_names:
        try:
            columns[name] = _column_in_one_form(table.column(name))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid, TypeError):
            type_name = table.schema.field(name).type
            law = f"Cells must be texts, numbers, booleans, times, or lists of them, but this column holds {type_name}."
            findings.add("unsupported_type", f"{law} Write its parts as columns of their own.", column=name)
    _find_nul(columns, findings)
    findings.raise_errors(f"{path.name} cannot be read")
    return pa.table(columns)


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


_READERS = {"parquet": _read_parquet, "jsonl": read_json_lines}


def _find_nul(columns: dict[str, Any], findings: FindingCollector) -> None:
    for name, column in columns.items():
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column.values
        holds_nul = pc.match_substring(texts, "\0")
        if not pc.any(holds_nul).as_py():
            continue
        rows = [row for row, cell in enumerate(column.to_pylist()) if cell is not None and "\0" in "".join(cell)]
        findings.add_rows("nul_byte", name, rows, lambda _: _NUL_LAW)
