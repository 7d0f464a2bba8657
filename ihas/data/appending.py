"""A table whose rows come from several files, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ihas.data.columns import is_list, one_array
from ihas.data.csv_reader import BATCH_ROWS
from ihas.data.findings import FindingCollector
from ihas.data.gathering import gather
from ihas.data.readers import is_known, read
from ihas.data.reading import ReadOptions
from ihas.data.value_types import is_any_list


class ReadFiles(NamedTuple):
    """A table that was read.

    Attributes:
        rows: of all files, in the form of `ihas.data.readers`.
        notes: warnings about reading.
        lengths: rows of each file.
    """

    rows: pa.Table
    notes: FindingCollector
    lengths: tuple[int, ...]


def read_files(paths: Sequence[Path], options: ReadOptions) -> ReadFiles:
    """The rows of several files: those of the first one, then those of the next.

    Args:
        paths: at least one. Those after the first are read by their suffix where it says a format.
        options: how to read them.

    Raises:
        DataError: a file cannot be read, lacks a column of the first one, or has lists where that one has single values.
    """
    first = read(paths[0], options)
    if len(paths) == 1:
        return ReadFiles(first.rows, first.notes, (first.rows.num_rows,))
    reading = _Appending(first.rows, first.notes)
    rows = gather(reading.batches(first.rows, paths[1:], options), reading.in_one_form)
    return ReadFiles(rows, reading.notes, tuple(reading.lengths))


def own_options(path: Path, options: ReadOptions) -> ReadOptions:
    """How a file after the first one is read: by its suffix where that says a format."""
    return replace(options, format="auto") if is_known(path) else options


class _Appending:
    """Files after the first one, while they are read."""

    def __init__(self, first: pa.Table, notes: FindingCollector) -> None:
        self.lengths = [first.num_rows]
        self.notes = notes
        self._names: list[str] = first.column_names
        self._lists = {name for name in self._names if is_list(first, name)}

    def batches(self, first: pa.Table, paths: Sequence[Path], options: ReadOptions) -> Iterator[pa.Table]:
        """The rows of all files in pieces. Small files are joined to large pieces, for each piece is compared with all texts so far."""
        yield first.slice(0, 0)
        yield from _pieces(first)
        del first
        waiting: list[pa.Table] = []
        for path in paths:
            table, notes = read(path, own_options(path, options))
            self._check_columns(table, path)
            self.notes.kept += [note.model_copy(update={"message": f"{path.name}: {note.message}"}) for note in notes.kept]
            self.lengths.append(table.num_rows)
            waiting.append(self._alike(table))
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
        return pa.table(columns)

    def in_one_form(self, _: str, column: Any) -> Any:
        """One array."""
        return one_array(column if is_any_list(column.type) else column.unify_dictionaries())

    def _check_columns(self, table: pa.Table, path: Path) -> None:
        findings = FindingCollector()
        for name in self._names:
            if name not in table.column_names:
                law = f"Every file must have the columns of the first, but this one is not among {', '.join(table.column_names[:20])}."
                findings.add("missing_column", law, column=name)
            elif is_list(table, name) and name not in self._lists:
                law = "Cells must be lists in all files or in none, but here they are lists."
                findings.add("unexpected_list", law, column=name)
        for name in (name for name in table.column_names if name not in self._names):
            law = f"{path.name}: The first file has no such column, so it is not read. Create another data set to use it."
            self.notes.add("new_column", law, column=name, severity="warning")
        findings.raise_errors(f"{path.name} cannot be appended")


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
