"""A table whose rows come from several files, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ihas.data.columns import as_texts, is_list, one_array, repeated_text
from ihas.data.csv_reader import BATCH_ROWS
from ihas.data.findings import FindingCollector
from ihas.data.gathering import gather
from ihas.data.number_lists import FORMS, alike, first_of_no_number, holds_numbers
from ihas.data.places import TableFile, files_at
from ihas.data.readers import is_known, read
from ihas.data.reading import ReadOptions
from ihas.data.value_types import is_any_list
from ihas.errors import DataError
from ihas.findings import Finding


class ReadFiles(NamedTuple):
    """A table that was read.

    Attributes:
        rows: of all files, in the form of `ihas.data.readers`.
        notes: warnings about reading.
        lengths: rows of each path, which may be of several files.
    """

    rows: pa.Table
    notes: FindingCollector
    lengths: tuple[int, ...]


def read_files(paths: Sequence[Path], options: ReadOptions) -> ReadFiles:
    """The rows of several files: those of the first one, then those of the next.

    Args:
        paths: at least one: files, folders or patterns (`ihas.data.places`). Files after the first are read by their suffix where it says
            a format.
        options: how to read them.

    Raises:
        DataError: a file cannot be read, lacks a column of the first one, or has lists where that one has single values; or none has rows.
    """
    places = [files_at(path, any_suffix=options.format != "auto") for path in paths]
    files = [_Part(file, number, len(of_path) > 1) for number, of_path in enumerate(places) for file in of_path]
    first, rest = _first_with_rows(files, options)
    lengths = [0] * len(paths)
    lengths[first.part.number] = first.rows.num_rows
    if not rest:
        return ReadFiles(first.rows, first.notes, tuple(lengths))
    reading = _Appending(first, lengths)
    rows = gather(reading.batches(first.rows, rest, options), reading.in_one_form)
    return ReadFiles(rows, reading.all_notes(), tuple(lengths))


class _Part(NamedTuple):
    """A file, which of the paths named it, and whether that one named others too, among which one without rows is passed over."""

    file: TableFile
    number: int
    of_several: bool


class _ReadPart(NamedTuple):
    part: _Part
    rows: pa.Table
    notes: FindingCollector


def _first_with_rows(files: Sequence[_Part], options: ReadOptions) -> tuple[_ReadPart, Sequence[_Part]]:
    """The first file that has rows, and those behind it."""
    for place, part in enumerate(files):
        found = _read_part(part, options if place == 0 else own_options(part.file.path, options), last=place == len(files) - 1)
        if found is not None:
            return found, files[place + 1 :]
    raise AssertionError  # the last one is read, or raises


def _read_part(part: _Part, options: ReadOptions, *, last: bool = False) -> _ReadPart | None:
    """A file with the columns that its folders state; None for one of several without rows, unless it is the last."""
    stated = {name: text for name, text in part.file.partitions.items() if options.wants(name)}
    check = options.check_names
    if check is not None and stated:
        options = replace(options, check_names=lambda names: check([*names, *(name for name in stated if name not in names)]))
    try:
        rows, notes = read(part.file.path, options)
    except DataError as error:
        if part.of_several and not last and {one.code for one in error.findings} == {"no_rows"}:
            return None
        raise
    for name in (name for name in stated if name not in rows.column_names):
        rows = rows.append_column(name, repeated_text(stated[name], rows.num_rows))
    return _ReadPart(part, rows, notes)


def own_options(path: Path, options: ReadOptions) -> ReadOptions:
    """How a file after the first one is read: by its suffix where that says a format."""
    return replace(options, format="auto") if is_known(path) else options


class _Appending:
    """Files after the first one, while they are read."""

    def __init__(self, first: _ReadPart, lengths: list[int]) -> None:
        self._lengths, self._first_notes, self._notes = lengths, first.notes, list[Finding]()
        self._names: list[str] = first.rows.column_names
        self._numbers = {name: first.rows.schema.field(name).type for name in self._names if holds_numbers(first.rows, name)}
        self._lists = {name for name in self._names if is_list(first.rows, name)}

    def all_notes(self) -> FindingCollector:
        """What was noted of all files: of many that say the same, one, which says how many."""
        groups: dict[tuple[str, str | None], list[Finding]] = {}
        for note in self._notes:
            groups.setdefault((note.code, note.column), []).append(note)
        for first, *others in groups.values():
            more = f" So it is in {len(others) + 1:,} files; this is the first." if others else ""
            self._first_notes.kept.append(first.model_copy(update={"message": first.message + more}))
        return self._first_notes

    def batches(self, first: pa.Table, parts: Sequence[_Part], options: ReadOptions) -> Iterator[pa.Table]:
        """The rows of all files in pieces. Small files are joined to large pieces, for each piece is compared with all texts so far."""
        yield first.slice(0, 0)
        yield from _pieces(first)
        del first
        waiting: list[pa.Table] = []
        for part in parts:
            found = _read_part(part, own_options(part.file.path, options))
            if found is None:
                continue
            self._check_columns(found.rows, part.file.name)
            notes = found.notes.kept
            self._notes += [note.model_copy(update={"message": f"{part.file.name}: {note.message}"}) for note in notes]
            self._lengths[part.number] += found.rows.num_rows
            waiting.append(self._alike(found.rows))
            if sum(one.num_rows for one in waiting) >= BATCH_ROWS:
                yield from _joined(waiting)
                waiting.clear()
        if waiting:
            yield from _joined(waiting)

    def _alike(self, table: pa.Table) -> pa.Table:
        """The table's columns as those of the first file: single values are lists of one where that one has lists."""
        columns: dict[str, Any] = {name: table.column(name) for name in self._names}
        for name in (name for name in self._lists if not is_list(table, name)):
            columns[name] = pa.chunked_array([_as_lists(one_array(columns[name].cast(pa.string())))])
        for name in (name for name in self._lists if name not in self._numbers and columns[name].type in FORMS):
            columns[name] = as_texts(columns[name])
        for name, form in self._numbers.items():
            columns[name] = alike(columns[name], form)
        return pa.table(columns)

    def in_one_form(self, _: str, column: Any) -> Any:
        """One array."""
        return one_array(column if is_any_list(column.type) else column.unify_dictionaries())

    def _check_columns(self, table: pa.Table, file: str) -> None:
        findings = FindingCollector()
        for name in self._names:
            if name not in table.column_names:
                law = f"Every file must have the columns of the first, but this one is not among {', '.join(table.column_names[:20])}."
                findings.add("missing_column", law, column=name)
            elif is_list(table, name) and name not in self._lists:
                law = "Cells must be lists in all files or in none, but here they are lists."
                findings.add("unexpected_list", law, column=name)
            elif name in self._numbers and not holds_numbers(table, name) and (odd := first_of_no_number(table, name)) is not None:
                law = f"Lists must hold numbers, as in the first file, but this one holds {odd[1]!r}. Correct it, or empty the cell."
                findings.add("not_a_number", law, row=odd[0] + 1, column=name)
        for name in (name for name in table.column_names if name not in self._names):
            law = f"{file}: The first file has no such column, so it is not read. Create another data set to use it."
            self._notes.append(Finding(code="new_column", severity="warning", message=law, column=name))
        findings.raise_errors(f"{file} cannot be appended")


def _joined(tables: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """Small tables as one; a large one in its own pieces, since what is yielded lies in memory."""
    yield from [pa.concat_tables(tables)] if len(tables) > 1 else _pieces(tables[0])


def _pieces(table: pa.Table) -> Iterator[pa.Table]:
    """The chunks of a table as tables; all columns of one that was read have the same chunks."""
    return (pa.Table.from_batches([batch]) for batch in table.to_batches())


def _as_lists(texts: Any) -> Any:
    """A list of each text, and an empty one where it is null."""
    offsets = np.concatenate([[0], np.cumsum(np.asarray(texts.is_valid()))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts.drop_null())
