"""Users' item sequences from files: a user a line, or an interaction a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config.data import DataConfig, InteractionColumns, WindowConfig
from ihas.data.appending import read_files
from ihas.data.changes import change_of_counts, judge
from ihas.data.columns import Column, is_list, text_column
from ihas.data.csv_header import header_looks_like_data
from ihas.data.findings import FieldProfile, FindingCollector, ValidationReport
from ihas.data.growth import Before, Changes, FieldChange
from ihas.data.missing import spelled_missing
from ihas.data.places import files_of
from ihas.data.reading import Format, ReadOptions, check_is_file, options_of
from ihas.data.schema import Field, Schema
from ihas.data.sources import opened, raise_unreadable
from ihas.data.suspicions import find_rounded_ids
from ihas.data.times import seconds
from ihas.data.windows import newest_rows
from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences, UserSequences

NUM_COMMONEST = 5


def read_sequences(data: DataConfig) -> UserSequences:
    """Users' sequences, in the form that the settings say.

    Raises:
        ConfigError: the settings speak of rows with a label, or of several files.
        DataError: as the form's reader.
    """
    _check_settings(data)
    return _read(data, FindingCollector())


def _check_settings(data: DataConfig) -> None:
    check_is_file(data)
    if not data.holds_sequences or data.valid_path is not None or data.test_path is not None:
        raise ConfigError(
            f"Sequences come from one file with `format = 'sequences'` or with `interactions`, but got format {data.format!r}, "
            f"interactions {data.interactions}, valid_path {data.valid_path} and test_path {data.test_path}. "
            "Set one of the two, and leave the other files out."
        )
    if data.window is not None and data.interactions is None:
        raise ConfigError("A window needs a column of times, which `format = 'sequences'` has not. Use `interactions`, or leave it out.")


def _read(data: DataConfig, notes: FindingCollector) -> UserSequences:
    if data.format == "sequences":
        return _joined([read_item_sequences(path) for path in files_of(data.paths, data.format)])
    return _read_interactions(_Table(data.paths, data.interactions or InteractionColumns(), data.window), options_of(data), notes)


def _joined(files: Sequence[UserSequences]) -> UserSequences:
    """Sequences of several files: what a later file says of a user comes after what an earlier one says."""
    if len(files) == 1:
        return files[0]
    of_user: dict[str, list[int]] = {}
    number: dict[str, int] = {}
    for file in files:
        own = [number.setdefault(item, len(number)) for item in file.items]
        for user, row in zip(file.users, range(len(file.users)), strict=True):
            first, end = file.sequences.offsets[row : row + 2]
            of_user.setdefault(user, []).extend(own[item] for item in file.sequences.items[first:end].tolist())
    return UserSequences(tuple(of_user), tuple(number), Sequences.of(list(of_user.values())))


def inspect_sequences(data: DataConfig, before: Before | None = None) -> ValidationReport:
    """What is in the files, as the report of a table with the columns user and item; errors as `read_sequences`.

    Args:
        data: the files.
        before: if given, the report says how many interactions the last of `data.appended` added, and of which new users and items.
    """
    _check_settings(data)
    notes = FindingCollector()
    found, columns = _read(data, notes), data.interactions or InteractionColumns()
    for name, texts in ((columns.user, found.users), (columns.item, found.items)):
        find_rounded_ids(pa.array(texts, pa.string()), name, notes)
    changes = None if before is None else _changes(data, found, columns)
    if changes is not None and before is not None:
        judge(changes, before.limits, notes)
    by_user, by_item = found.sequences.lengths, found.sequences.counts(found.num_items)
    fields = (Field(name=columns.user, kind="categorical"), Field(name=columns.item, kind="categorical", role="item"))
    return ValidationReport(
        rows=len(found.sequences.items),
        findings=tuple(notes.kept),
        profiles=(_profile(fields[0], found.users, by_user), _profile(fields[1], found.items, by_item)),
        columns=Schema(label="taken", fields=fields, item_id=columns.item, time=columns.time if data.interactions else None),
        changes=changes,
    )


def _changes(data: DataConfig, found: UserSequences, columns: InteractionColumns) -> Changes:
    """What the last file changed in users and items; the files before it are read once more."""
    earlier = _read(data.model_copy(update={"appended": data.appended[:-1]}), FindingCollector())
    rows = len(earlier.sequences.items)
    counts = (
        (columns.user, found.users, found.sequences.lengths, earlier.users, earlier.sequences.lengths),
        (columns.item, found.items, found.sequences.counts(found.num_items), earlier.items, earlier.sequences.counts(earlier.num_items)),
    )
    fields = [_change(name, names, now, dict(zip(known, then.tolist(), strict=True))) for name, names, now, known, then in counts]
    return Changes(rows_before=rows, rows_appended=len(found.sequences.items) - rows, click_rate=None, fields=tuple(fields))


def _change(column: str, names: Sequence[str], now: np.ndarray, then: Mapping[str, int]) -> FieldChange:
    before = np.array([then.get(name, 0) for name in names], dtype=np.int64)
    return change_of_counts(column, before, now - before)


def read_item_sequences(path: Path) -> UserSequences:
    """A user a line: the user's name, then item names, oldest first, separated by white space (the form of S3-Rec's data).

    Args:
        path: text file; a last suffix of .gz, .zst or .zstd says that it is compressed.

    Raises:
        DataError: no lines, a line without items, a user with two lines, or text that is not UTF-8; names the row.
    """
    with opened(path) as stream:
        content = stream.read()
    try:
        lines = [line.split() for line in content.decode("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise_unreadable(path, f"The text must be UTF-8, but line {row} is not. Save the file as UTF-8.", "wrong_encoding")
    _check_lines(lines, path)
    filled = [line for line in lines if line]
    number: dict[str, int] = {}
    sequences = Sequences.of([[number.setdefault(item, len(number)) for item in line[1:]] for line in filled])
    return UserSequences(tuple(line[0] for line in filled), tuple(number), sequences)


def read_interactions(
    path: Path, columns: InteractionColumns | None = None, format: Format = "auto", delimiter: str | None = None
) -> UserSequences:
    """An interaction a row, in any order; users and items are numbered as they come, rows of one time stay in the file's order.

    Args:
        path: CSV, Parquet or JSON-lines file.
        columns: which columns say who, what and when, `user`, `item` and `time` without it; others are not looked at.
        format: `auto` goes by the suffix.
        delimiter: character between CSV cells; None tells it from the header.

    Raises:
        DataError: the file cannot be read, a column is absent or holds lists, a cell is missing, or a time cannot be
            read; names row and column.
    """
    return _read_interactions(_Table((path,), columns or InteractionColumns()), ReadOptions(format, delimiter), FindingCollector())


class _Table(NamedTuple):
    """Files of interactions, what their columns are, and which rows are wanted."""

    paths: tuple[Path, ...]
    columns: InteractionColumns
    window: WindowConfig | None = None


def _read_interactions(source: _Table, options: ReadOptions, notes: FindingCollector) -> UserSequences:
    """The same; warnings go to the notes."""
    path, columns = source.paths[0], source.columns
    purposes = _purposes(columns)
    wanted = set(purposes.values())
    if source.window is not None and source.window.column is not None:
        wanted.add(source.window.column)
    options = replace(options, only=wanted, check_names=lambda names: _check_names(names, purposes, path))
    table, said, _ = read_files(source.paths, options)
    notes.kept += said.kept
    if source.window is not None:
        table = newest_rows(table, source.window, columns.time).table
    _check_columns(table, purposes, path)
    findings = FindingCollector()
    users, items = (_whole(table, name, findings) for name in (columns.user, columns.item))
    times = np.zeros(table.num_rows) if columns.time is None else _times(_whole(table, columns.time, findings), columns.time, findings)
    findings.raise_errors(f"{path.name} cannot be read as interactions")
    names, who = _in_order(users)
    things, what = _in_order(items)
    order = np.lexsort((np.arange(len(who)), times, who))
    if columns.time is not None:
        _note_equal_times(who[order], times[order], columns.time, notes)
    lengths = np.bincount(who, minlength=len(names))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return UserSequences(names, things, Sequences(offsets, what[order].astype(np.int32)))


def _profile(field: Field, names: tuple[str, ...], counts: np.ndarray) -> FieldProfile:
    commonest = tuple((names[place], int(counts[place])) for place in np.argsort(-counts, kind="stable")[:NUM_COMMONEST])
    return FieldProfile(
        column=field.name, purpose="field", kind=field.kind, role=field.role, distinct=len(names), missing=0.0, commonest=commonest
    )


def _check_lines(lines: list[list[str]], path: Path) -> None:
    findings = FindingCollector()
    seen: dict[str, int] = {}
    for row, line in enumerate(lines, start=1):
        if not line:
            continue
        if len(line) == 1:
            law = f"A line must be a user and at least one item, but user {line[0]!r} has none. Remove the line."
            findings.add("no_items", law, row=row)
        if line[0] in seen:
            law = f"A user must have one line, but user {line[0]!r} has line {seen[line[0]]} too. Join them in order of time."
            findings.add("repeated_user", law, row=row)
        seen.setdefault(line[0], row)
    if not seen:
        raise_unreadable(path, "The file must have a line for each user, but it is empty.", "empty_file")
    findings.raise_errors(f"{path.name} cannot be read as item sequences")


def _purposes(columns: InteractionColumns) -> dict[str, str]:
    """Column of each purpose."""
    named = {"user": columns.user, "item": columns.item, "time": columns.time}
    return {purpose: name for purpose, name in named.items() if name is not None}


def _check_names(names: Sequence[str], purposes: Mapping[str, str], path: Path) -> None:
    findings = FindingCollector()
    for purpose, name in purposes.items():
        if name not in names:
            law = f"Interactions must have the column `{name}` as {purpose}, but the file has {list(names)}. Set `{purpose}`."
            if header_looks_like_data(names):
                law = f"{law} If the first line is data, put a line with the columns' names above it."
            findings.add("missing_column", law, column=name)
    findings.raise_errors(f"{path.name} cannot be read as interactions")


def _note_equal_times(who: np.ndarray, times: np.ndarray, name: str, notes: FindingCollector) -> None:
    """Warn where rows of one user, int (n,), sorted, have one time, float64 (n,)."""
    alike = int(((who[1:] == who[:-1]) & (times[1:] == times[:-1])).sum())
    if alike:
        law = f"{alike:,} of {len(who):,} interactions have the time of another of the same user: the file's order decides which is later."
        notes.add("equal_times", f"{law} Provide finer times, or sort the file.", column=name, severity="warning")


def _check_columns(table: pa.Table, purposes: Mapping[str, str], path: Path) -> None:
    findings = FindingCollector()
    for purpose, name in purposes.items():
        if is_list(table, name):
            findings.add("list_column", f"A {purpose} must be one value, but this column holds lists. Write a row for each.", column=name)
    findings.raise_errors(f"{path.name} cannot be read as interactions")


def _whole(table: pa.Table, name: str, findings: FindingCollector) -> Column:
    column = text_column(table, name)
    missing = np.flatnonzero(column.codes < 0)
    law = "Every interaction must have this cell, but here it is empty. Fill it."
    findings.add_rows("missing_cell", name, missing, lambda _: law, np.zeros(len(missing)))
    spelled = column.rows_where(spelled_missing(column.texts))
    law = "Every interaction must have this cell, but here it says {!r} where others are numbers. Fill it."
    findings.add_rows("missing_cell", name, spelled, lambda row: law.format(column.text(row)), column.codes[spelled])
    return column


def _times(column: Column, name: str, findings: FindingCollector) -> np.ndarray:
    moments = seconds(column.texts)
    wrong = column.rows_where(~np.isfinite(moments))
    law = "A time must be a number or an ISO 8601 date or time, as the column's other cells are, but this one is {!r}. Mend it."
    findings.add_rows("unreadable_time", name, wrong, lambda row: law.format(column.text(row)), column.codes[wrong])
    return np.asarray(moments[column.codes])


def _in_order(column: Column) -> tuple[tuple[str, ...], np.ndarray]:
    """Names in the order they first occur, and each row's number among them."""
    encoded: Any = pc.dictionary_encode(pa.array(column.codes))
    return tuple(map(str, column.texts.take(encoded.dictionary).to_pylist())), np.asarray(encoded.indices)
