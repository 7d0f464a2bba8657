"""Which rows and columns of a CSV file are at fault."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.csv_header import Header
from ihas.data.findings import FindingCollector
from ihas.data.reading import Source

_BLOCK_BYTES = 1 << 22
_TAIL_BYTES = 1 << 20
_SHOWN = 80
MAX_RAGGED = 10_000
"""Rows with too few or too many cells after which reading stops."""
_BREAK = re.compile(r"\r\n|\n|\r")


class _Lost(NamedTuple):
    row: int
    position: int
    cell: str


class LostRows:
    """Cells in which whole rows lie, because a quote that opens one of them is a character of its text.

    Such a cell goes on to the next quote, many rows below. It is told from a text of several lines by its delimiters: the first line
    ends a row, the lines between are rows, the last line begins one, and in each of them a cell is one that its column has elsewhere.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._lost: list[_Lost] = []

    def note(self, batch: pa.Table, rows_before: int) -> None:
        """Look at a batch, whose columns are those of the header: dictionaries of texts or bytes."""
        if not self._header.dialect.quoting or batch.num_columns < 2:
            return
        for position, column in enumerate(batch.columns):
            first_row = rows_before
            for chunk in column.chunks:
                self._lost += self._in_chunk(batch, position, chunk, first_row)
                first_row += len(chunk)

    def raise_errors(self, source: Source) -> None:
        """DataError where there are any."""
        findings = FindingCollector()
        for row, position, cell in self._lost:
            law = f"A cell must not hold rows, but the quote that opens this one runs over {len(_BREAK.findall(cell))} line breaks"
            way = "Double or remove the quote, or set `quoting = false` if quotes are plain characters in this file."
            findings.add("rows_in_cell", f"{law}: {cell[:_SHOWN]!r}. {way}", row=row, column=self._header.names[position])
        findings.raise_errors(f"{source.path.name} cannot be read as CSV")

    def _in_chunk(self, batch: pa.Table, position: int, chunk: Any, first_row: int) -> Iterator[_Lost]:
        texts = chunk.dictionary
        content = texts.buffers()[2]
        for line_break in ("\n", "\r"):
            if content is None or line_break.encode() not in content.to_pybytes():
                continue
            breaks = np.asarray(pc.count_substring(texts, line_break))
            delimiters = np.asarray(pc.count_substring(texts, self._header.dialect.delimiter))
            for code in np.flatnonzero((breaks > 0) & (delimiters == (batch.num_columns - 1) * breaks)).tolist():
                cell = texts[code].as_py()
                cell = cell.decode("utf-8", errors="replace") if isinstance(cell, bytes) else cell
                if self._holds_rows(batch, position, cell):
                    yield _Lost(first_row + pc.index(chunk.indices, code).as_py() + 1, position, cell)
            return

    def _holds_rows(self, batch: pa.Table, position: int, cell: str) -> bool:
        lines = [line.split(self._header.dialect.delimiter) for line in _BREAK.split(cell)]
        wanted = [batch.num_columns - position, *[batch.num_columns] * (len(lines) - 2), position + 1]
        if [len(line) for line in lines] != wanted:
            return False
        starts = [position, *[0] * (len(lines) - 1)]
        return all(_has_known_cell(batch, line, start, position) for line, start in zip(lines, starts, strict=True))


def _has_known_cell(batch: pa.Table, line: Sequence[str], start: int, own: int) -> bool:
    """Whether one of the cells, the first of which is in column `start`, occurs in its column; also where there is none to compare."""
    others = [(start + place, cell) for place, cell in enumerate(line) if start + place != own]
    return not others or any(_occurs(batch.column(position), cell) for position, cell in others)


def _occurs(column: Any, cell: str) -> bool:
    found: Any = pa.scalar(cell.encode() if pa.types.is_binary(column.type.value_type) else cell, column.type.value_type)
    return any(pc.index(chunk.dictionary, found).as_py() >= 0 for chunk in column.chunks)


def raise_ragged(source: Source, header: Header, rows: Sequence[Any]) -> None:
    """DataError about rows with too few or too many cells, as pyarrow's parser gives them on a single thread."""
    findings, names = FindingCollector(), header.names
    delimiter = source.options.delimiter or header.dialect.delimiter
    model = "`names`" if source.options.names else "the header"
    for row in rows:
        text = row.text.replace(header.dialect.delimiter, delimiter)[:_SHOWN]
        law = f"A row must have {row.expected_columns} cells, as {model}, but this one has {row.actual_columns}: {text!r}."
        way = f"{'No cell may' if len(delimiter) > 1 else 'Quote cells that'} hold the delimiter {delimiter!r}."
        if header.dialect.quoting and '"' in row.text and _BREAK.search(row.text.rstrip("\r\n")):
            way = "A quote in it runs over line breaks: double or remove it, or set `quoting = false` if quotes are plain characters."
        column = names[min(row.actual_columns, len(names) - 1)]  # the first without a cell, or the last, after which cells are left over
        findings.add("ragged_row", f"{law} {way}", row=row.number, column=column)
    if len(rows) >= MAX_RAGGED:
        findings.add("checking_stopped", f"Reading stopped at {MAX_RAGGED:,} rows with too few or too many cells; there may be more.")
    findings.raise_errors(f"{source.path.name} cannot be read as CSV")


def find_encoding_faults(source: Source, header: Header) -> None:
    """DataError about each cell that is needed and is not UTF-8, where there is one."""
    findings = FindingCollector()
    with source.opened() as stream, suppress(csv.Error):
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        rows = (cells for cells in header.dialect.rows(text) if cells)
        for number, cells in enumerate(rows):
            for name, cell in zip(header.names, cells, strict=False):
                wrong = next((letter for letter in cell if "\udc80" <= letter <= "\udcff"), None)
                if wrong is not None and source.options.needs(name):
                    law = f"The text must be UTF-8, but byte 0x{ord(wrong) - 0xDC00:02x} in this cell is not."
                    findings.add("wrong_encoding", f"{law} Save the file as UTF-8, or state its `encoding`.", row=number, column=name)
    findings.raise_errors(f"{source.path.name} cannot be read as CSV")


def check_last_quote(source: Source, header: Header, last: str | bytes | None, rows: int) -> None:
    """DataError where the last cell of the last row begins with a quote that is never closed."""
    content = last.encode() if isinstance(last, str) else last
    if content is None or b"\n" not in content or not header.dialect.quoting:
        return
    with source.opened() as stream:
        tail = b""
        while block := stream.read(_BLOCK_BYTES):
            tail = (tail + block)[-_TAIL_BYTES:]
    if not tail.rstrip(b"\r\n").endswith(b'"'):
        findings = FindingCollector()
        law = "Every quote must be closed, but the one that opens this cell is not, so the rest of the file is in the cell."
        findings.add("open_quote", law, row=rows, column=header.names[-1])
        findings.raise_errors(f"{source.path.name} cannot be read as CSV")
