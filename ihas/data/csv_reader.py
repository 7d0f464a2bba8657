"""CSV with any delimiter: pyarrow reads it; where that fails, Python's csv module finds the rows and columns at fault."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

from ihas.data.cells import cell_number
from ihas.data.columns import TEXT
from ihas.data.findings import FindingCollector
from ihas.data.sources import opened, raise_unreadable
from ihas.errors import ConfigError

DELIMITERS = ",;\t|"
BATCH_ROWS = 1 << 19
_BLOCK_BYTES = 1 << 22
_HEADER_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CSV_FAULT = "{} cannot be read as CSV"


def csv_batches(path: Path, delimiter: str | None) -> Iterator[pa.Table]:
    """Rows of a CSV file in batches of about `BATCH_ROWS`, as dictionary columns of texts; an empty cell is null, quoted or not.

    Raises:
        ConfigError: a delimiter that CSV cannot have.
        DataError: empty file, unusable header, rows with too few or too many cells, an open quote, or text that is not UTF-8.
    """
    header = _start_of_text(path)
    try:
        delimiter = _checked(delimiter) if delimiter else tell_delimiter(header)
        names = _cells(header, delimiter)
    except csv.Error as error:
        raise_unreadable(
            path, f"The first line must be readable as CSV, but it is not: {error}. Put a line with the columns' names on top."
        )
    _check_header(names, path)
    stripped, ragged, rows, last = [name.strip() for name in names], list[Any](), 0, None
    yield pa.table({name: pa.array([], TEXT) for name in stripped})
    try:
        for batch in _joined(_parse(path, delimiter, names, ragged)):
            rows, last = rows + batch.num_rows, batch.column(batch.num_columns - 1)[-1].as_py()
            yield batch.rename_columns(stripped)
    except pa.ArrowInvalid as error:
        _find_encoding_faults(path, delimiter, names)
        raise_unreadable(path, f"The rows must be readable as CSV, but they are not: {error}. Look for a quote that is never closed.")
    if ragged:
        _raise_ragged(path, delimiter, names)
    _check_last_quote(path, last, rows, stripped[-1])


def tell_delimiter(header: str) -> str:
    """The one of `,` `;` tab and `|` that cuts the header into most cells; `,` where none occurs."""
    return max(DELIMITERS, key=lambda delimiter: len(_cells(header, delimiter)))


def header_looks_like_data(names: list[str]) -> bool:
    """Whether a quarter of the names or more are numbers, other than plain column numbers 0, 1, 2, ... or 1, 2, 3, ..."""
    counted = [[str(number + first) for number in range(len(names))] for first in (0, 1)]
    return names not in counted and 4 * sum(cell_number(name.strip()) is not None for name in names) >= len(names)


def _start_of_text(path: Path) -> str:
    with opened(path) as stream:
        start = stream.read(_HEADER_BYTES)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise_unreadable(path, "The text must be UTF-8, but the file says that it is UTF-16. Save it as UTF-8.", "wrong_encoding")
    text = start.removeprefix(_BYTE_ORDER_MARK).lstrip(b"\r\n").decode("utf-8", errors="surrogateescape")
    if not text.strip():
        raise_unreadable(path, "The file must have a header line and data rows, but it is empty.", "empty_file")
    return text


def _checked(delimiter: str) -> str:
    if delimiter in '"\r\n' or not delimiter.isascii():
        raise ConfigError(f"`delimiter` must be an ASCII character other than a quote or a line break, but got {delimiter!r}.")
    return delimiter


def _cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _check_header(names: list[str], path: Path) -> None:
    findings = FindingCollector()
    stripped = [name.strip() for name in names]
    if any(not name.isprintable() for name in stripped):
        raise_unreadable(path, f"Column names must be printable UTF-8 text, but got {stripped}. Save the file as UTF-8.", "wrong_encoding")
    looks = " looks like data: put" if header_looks_like_data(names) else " must be the header. If it is data, put"
    hint = f" The first line{looks} a line with the columns' names above it."
    blank = [position + 1 for position, name in enumerate(stripped) if not name]
    if blank:
        findings.add("blank_column", f"Every column must have a name, but those at positions {blank} have none.{hint}")
    for name in sorted({name for name in stripped if name and stripped.count(name) > 1}):
        positions = [position + 1 for position, other in enumerate(stripped) if other == name]
        law = f"Column names must differ, but the columns at positions {positions} are all called {name!r}."
        findings.add("duplicate_column", f"{law} Rename all but one.{hint}", column=name)
    findings.raise_errors(_CSV_FAULT.format(path.name))


def _parse(path: Path, delimiter: str, names: list[str], ragged: list[Any], *, use_threads: bool = True) -> Iterator[pa.RecordBatch]:
    def skip(row: Any) -> Literal["skip"]:
        ragged.append(row)
        return "skip"

    with opened(path) as stream:
        yield from pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=use_threads),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, TEXT),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )


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


def _raise_ragged(path: Path, delimiter: str, names: list[str]) -> None:
    ragged: list[Any] = []
    for _ in _parse(path, delimiter, names, ragged, use_threads=False):  # row numbers are known to a single thread only
        pass
    findings = FindingCollector()
    for row in ragged:
        law = f"A row must have {row.expected_columns} cells, as the header, but this one has {row.actual_columns}: {row.text[:80]!r}."
        column = names[min(row.actual_columns, len(names) - 1)]  # the first without a cell, or the last, after which cells are left over
        findings.add("ragged_row", f"{law} Quote cells that hold the delimiter {delimiter!r}.", row=row.number - 1, column=column)
    findings.raise_errors(_CSV_FAULT.format(path.name))


def _find_encoding_faults(path: Path, delimiter: str, names: list[str]) -> None:
    findings = FindingCollector()
    with opened(path) as stream, suppress(csv.Error):
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        rows = (cells for cells in csv.reader(text, delimiter=delimiter) if cells)
        for number, cells in enumerate(rows):
            for name, cell in zip(names, cells, strict=False):
                position = next((place for place, letter in enumerate(cell) if "\udc80" <= letter <= "\udcff"), None)
                if position is not None:
                    law = f"The text must be UTF-8, but byte 0x{ord(cell[position]) - 0xDC00:02x} in this cell is not."
                    findings.add("wrong_encoding", f"{law} Save the file as UTF-8.", row=number, column=name.strip())
    findings.raise_errors(_CSV_FAULT.format(path.name))


def _check_last_quote(path: Path, last: str | None, rows: int, column: str) -> None:
    """DataError where the last cell of the last row begins with a quote that is never closed."""
    if last is None or "\n" not in last:
        return
    with opened(path) as stream:
        tail = b""
        while block := stream.read(_BLOCK_BYTES):
            tail = (tail + block)[-_HEADER_BYTES:]
    if not tail.rstrip(b"\r\n").endswith(b'"'):
        findings = FindingCollector()
        law = "Every quote must be closed, but the one that opens this cell is not, so the rest of the file is in the cell."
        findings.add("open_quote", law, row=rows, column=column)
        findings.raise_errors(_CSV_FAULT.format(path.name))
