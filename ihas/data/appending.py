"""A table whose rows come from several files, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ihas.data.columns import is_list, one_array
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
        """The rows of all files in pieces; a file is read when those before it were taken over."""
        yield from _pieces(first)
        del first
        for path in paths:
            table, notes = read(path, own_options(path, options))
            self._check_columns(table, path)
            self.notes.kept += [note.model_copy(update={"message": f"{path.name}: {note.message}"}) for note in notes.kept]
            self.lengths.append(table.num_rows)
            yield from _pieces(table.select(self._names))

    def in_one_form(self, name: str, column: Any) -> Any:
        """One array; single values are lists of one where the first file has lists."""
        if name not in self._lists or is_any_list(column.type):
            return one_array(column if is_any_list(column.type) else column.unify_dictionaries())
        texts = one_array(column.cast(pa.string()))
        offsets = np.concatenate([[0], np.cumsum(np.asarray(texts.is_valid()))])
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts.drop_null())

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


def _pieces(table: pa.Table) -> Iterator[pa.Table]:
    """The table's chunks as tables; all columns of a table that was read have the same chunks."""
    yield table.slice(0, 0)
    for batch in table.to_batches():
        yield pa.Table.from_batches([batch])
