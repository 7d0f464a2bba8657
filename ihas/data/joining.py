"""Columns of other tables, added to the rows of a table by a key.

    row(i) = the row of the joined table whose key has the text of row i's key; missing cells where there is none

A joined table is held in memory, with one row per key. Keys are compared as canonical texts (`ihas.data.cells`), so that 7 of a Parquet
file and "7" of CSV are one key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from tokenize import TokenError
from typing import Any

import numpy as np
import pyarrow as pa

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.joined import JoinedTable
from ihas.data.appending import read_files
from ihas.data.columns import is_list, one_array, text_column
from ihas.data.csv_reader import BATCH_ROWS
from ihas.data.findings import FindingCollector
from ihas.data.number_forms import in_plain_numbers
from ihas.data.reading import ReadOptions, form_options
from ihas.data.sources import raise_unreadable
from ihas.data.splits import PartName
from ihas.errors import ConfigError, DataError, is_memory_full

TOLD = 3
"""Keys that a message shows."""
MAX_NUMBERS = 2**31 - 1
"""Numbers of a matrix: places in a column of lists are int32."""
WHOLE_BYTES = 2
"""Of integers that float32 holds exactly."""


@dataclass(frozen=True)
class Side:
    """A table to be joined.

    Attributes:
        config: its settings.
        rows: the columns to be added, under the names that they will have.
        row_of: row of each key's text.
    """

    config: JoinedTable
    rows: pa.Table
    row_of: Mapping[str | None, int]


def read_sides(data: DataConfig) -> tuple[Side, ...]:
    """The tables that settings join.

    Raises:
        DataError: one cannot be read, has a key twice or none, or lacks a column.
        ConfigError: two would add columns of one name, or settings that do not fit the file.
    """
    sides = tuple(_read(config, data.columns) for config in data.joined)
    names = [name for side in sides for name in side.rows.column_names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"Joined columns must have names of their own, but {', '.join(twice)} would be there twice. State `prefix`.")
    return sides


def with_sides(
    tables: Mapping[PartName, pa.Table], sides: Sequence[Side], notes: Mapping[PartName, FindingCollector]
) -> dict[PartName, pa.Table]:
    """The tables with the columns of the joined ones.

    Args:
        tables: that were read; one that has all columns of a joined table already keeps its own.
        sides: to be joined, in this order.
        notes: receive warnings about keys without a row.

    Raises:
        DataError: no column of a key, some columns that would be there twice, or no key has a row.
    """
    found = dict(tables)
    for side in sides:
        for part, table in found.items():
            found[part] = _with_side(table, side, notes[part])
    return found


def _with_side(table: pa.Table, side: Side, notes: FindingCollector) -> pa.Table:
    config, there = side.config, [name for name in side.rows.column_names if name in table.column_names]
    if there:
        if len(there) < side.rows.num_columns:
            law = f"Columns of {config.path.name} must not be in the table, but {', '.join(there)} are. State `columns` or `prefix`."
            raise DataError(law)
        notes.add("not_joined", f"The table has all columns of {config.path.name} itself, so that is not joined.", severity="warning")
        return table
    if config.key not in table.column_names or is_list(table, config.key):
        law = f"`joined.key` must name a column of single values, but {config.key!r} is none of {', '.join(table.column_names)}."
        raise DataError(law)
    key = text_column(table, config.key)
    rows = np.array([*(side.row_of.get(text, -1) for text in key.texts.to_pylist()), -1], np.int64)[key.codes]
    _note_unmatched(rows, key.codes, key.texts, side, notes)
    places: Any = pa.array(np.maximum(rows, 0), mask=rows < 0)
    for name in side.rows.column_names:
        table = table.append_column(name, _taken(one_array(side.rows.column(name).unify_dictionaries()), places))
    return table


def _taken(cells: Any, places: Any) -> Any:
    """Cells at places, in chunks: the numbers of all lists of a long table are more than one array has places for."""
    blocks = [cells.take(places.slice(first, BATCH_ROWS)) for first in range(0, len(places), BATCH_ROWS)]
    return pa.chunked_array(blocks, cells.type)


def _note_unmatched(rows: np.ndarray, codes: np.ndarray, texts: Any, side: Side, notes: FindingCollector) -> None:
    unmatched = (rows < 0) & (codes >= 0)
    if not unmatched.any():
        return
    first = [texts[int(code)].as_py() for code in dict.fromkeys(codes[unmatched][:1_000].tolist())][:TOLD]
    config, keys = side.config, ", ".join(repr(key) for key in list(side.row_of)[:TOLD])
    if unmatched.sum() == (codes >= 0).sum():
        law = (
            f"Cells of {config.key!r} must be keys of {config.path.name}, but none is: {', '.join(map(repr, first))} and others in {keys}."
        )
        raise DataError(f"{law} State another `key` or `named`.")
    lacking = f"that {config.path.name} has no row of, such as {first[0]!r}: its columns are missing there."
    law = f"{unmatched.sum():,} rows have a {config.key!r} {lacking}"
    notes.add("not_in_joined", law, column=config.key, severity="warning")


def _read(config: JoinedTable, stated: SchemaConfig) -> Side:
    if config.path.suffix == ".npy":
        return _matrix(config)
    named, path = config.named or config.key, config.path.name
    file = read_files((config.path,), _options(config, named, stated))
    names = {name: config.key if name == named else config.prefix + name for name in file.rows.column_names}
    table = in_plain_numbers(file.rows, config, stated, names)
    wanted = config.columns or tuple(name for name in table.column_names if name != named)
    if not wanted:
        raise DataError(f"{path} must have columns to be added, but has the key {named!r} alone. Take it out of `joined`.")
    if is_list(table, named):
        raise DataError(f"The key {named!r} of {path} must have one value per row, but holds lists. Name another column.")
    columns = [table.column(name) for name in wanted]
    return Side(config, pa.table(columns, names=[config.prefix + name for name in wanted]), _rows_of(table, named, path))


def _options(config: JoinedTable, named: str, stated: SchemaConfig) -> ReadOptions:
    """How the file is read: of stated columns those alone, and an ignored one must not refuse it."""
    wanted = (named, *(config.columns or ()))

    def check(names: Sequence[str]) -> None:
        if lacking := [name for name in wanted if name not in names]:
            law = f"{config.path.name} must have the columns {', '.join(wanted)}, but lacks {', '.join(lacking)}."
            raise DataError(f"{law} It has {', '.join(names)}.")

    ignored = {name.removeprefix(config.prefix) for name in stated.ignored if name.startswith(config.prefix)} - {named}
    only = None if config.columns is None else frozenset(wanted)
    return replace(form_options(config.format, config), ignored=frozenset(ignored), only=only, check_names=check)


def _rows_of(table: pa.Table, named: str, path: str) -> dict[str | None, int]:
    key = text_column(table, named)
    counts = np.bincount(key.codes[key.codes >= 0], minlength=len(key.texts))
    findings = FindingCollector(f"{path}: ")
    twice = np.flatnonzero(np.append(counts, 0)[key.codes] > 1)
    law = "A key must stand in one row, but {!r} stands in {}. Keep one row of each."
    findings.add_rows("duplicate_key", named, twice, lambda row: law.format(key.text(row), counts[key.codes[row]]), key.codes[twice])
    findings.add_rows("missing_key", named, np.flatnonzero(key.codes < 0), lambda _: "The key must be in every row, but is missing here.")
    findings.raise_errors(f"{path} cannot be joined")
    return {text: row for row, text in zip(range(table.num_rows), key.texts.take(pa.array(key.codes)).to_pylist(), strict=True)}


def _matrix(config: JoinedTable) -> Side:
    name = config.prefix + (config.columns[0] if config.columns else config.path.stem)
    try:
        matrix = np.lib.format.open_memmap(config.path, mode="r")
    except (OSError, ValueError, OverflowError, TokenError) as error:
        if is_memory_full(error):
            raise
        raise_unreadable(config.path, f"The file must be a NumPy array of numbers, but is none: {error}")
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not matrix.size:
        law = f"The array must have a row of numbers for each key, but has the shape {matrix.shape} and the type {matrix.dtype}."
        raise_unreadable(config.path, law)
    if matrix.size > MAX_NUMBERS:
        raise_unreadable(config.path, f"The array must have at most {MAX_NUMBERS:,} numbers, but has {matrix.size:,}. Shorten its rows.")
    if config.columns is not None and len(config.columns) > 1:
        raise ConfigError(f"`joined.columns` must name one column of an .npy file, but names {len(config.columns)}. Name one.")
    rows, width = matrix.shape
    whole = matrix.dtype.kind in "iu" and matrix.dtype.itemsize > WHOLE_BYTES  # ids, which float32 would change
    with np.errstate(over="ignore"):  # what is infinite then is told as a cell
        flat = pa.array(np.ascontiguousarray(matrix, np.float64 if whole else np.float32).reshape(-1))
    lists = pa.ListArray.from_arrays(pa.array(np.arange(0, rows * width + 1, width), pa.int32()), flat)
    return Side(config, pa.table([lists], names=[name]), {str(row): row for row in range(rows)})


def added_columns(sides: Sequence[Side]) -> set[str]:
    """Names of the columns that joined tables add."""
    return {name for side in sides for name in side.rows.column_names}
