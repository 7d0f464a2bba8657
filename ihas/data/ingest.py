"""From files to encoded parts on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data.appending import ReadFiles, read_files
from ihas.data.changes import with_changes
from ihas.data.columns import is_list
from ihas.data.findings import FindingCollector, ValidationReport, one_for_each_cause, raise_errors
from ihas.data.fitting import fit_encoder, labels_of
from ihas.data.growth import Before
from ihas.data.hashed import find_collisions, note_told_texts
from ihas.data.inference import infer_schema
from ihas.data.joining import Side, added_columns, read_sides, with_sides
from ihas.data.label_numbers import taken_rows, with_label_range
from ihas.data.labels import with_labels
from ihas.data.missing import without_spelled_missing
from ihas.data.number_forms import with_plain_numbers
from ihas.data.part_files import SplitTable, write_parts
from ihas.data.reading import ReadOptions, check_is_file, options_of
from ihas.data.reasons import reasons_of
from ihas.data.schema import Schema, Timestamp
from ihas.data.splits import PartName, check_classes, split_rows
from ihas.data.storage import Ingested, load_ingested, save_values
from ihas.data.suspicions import find_cut_lists, find_split_faults
from ihas.data.tasks import split_tasks
from ihas.data.timestamps import with_timestamps
from ihas.data.validation import validate
from ihas.data.vectors import with_numbers_of_vectors
from ihas.data.weights import learnt_weights
from ihas.data.windows import newest_rows
from ihas.errors import ConfigError, DataError
from ihas.folders import new_folder
from ihas.seeding import generator


def inspect(data: DataConfig, before: Before | None = None) -> ValidationReport:
    """What is in the files, writing nothing; warnings about cut cells, and a split by time, are those of the default settings.

    Args:
        data: the files and what is known about their columns.
        before: if given, the report says what the last of `data.appended` changed, and has errors where that is too much.

    Raises:
        DataError: a file cannot be read as a table, or lacks columns of the others.
        ConfigError: settings about the columns contradict the table or each other, or the label cannot be told.
    """
    files = read_tables(data)
    schema = infer_schema(files.rows["train"], files.columns, files.missing, files.timestamps)
    report = report_on(files, schema)
    reasons = reasons_of(files.rows["train"], schema, data.columns)
    profiles = (profile.model_copy(update={"reason": reasons[profile.column] or None}) for profile in report.profiles)
    report = report.model_copy(update={"profiles": tuple(profiles)})
    if before is not None:
        report = with_changes(report, files.rows["train"], sum(files.lengths[:-1]), before)
    if report.errors:
        return report
    rows: dict[PartName, np.ndarray] = {}
    with suppress(DataError):  # too few rows to be divided: what a run says, and no fault of the file
        if schema.time is not None:
            rows = split_rows(files.rows["train"], SplitConfig(kind="time"), schema.time, parts_drawn(files), generator(0, "split"))
    return with_deceptions(report, files, schema, EncodingConfig(), rows)


def ingest(data: DataConfig, encoding: EncodingConfig, split: SplitConfig, seed: int, folder: Path) -> Ingested:
    """Read, validate, split, encode and write; the same files, settings and seed give the same bytes.

    Args:
        data: the files and what is known about their columns.
        encoding: how cells become ids; the encoder is fitted on training rows only.
        split: how rows are divided. A part with a file of its own is that file; the others are drawn from `data.path`.
        seed: seed of a random split.
        folder: where to write; it must not exist, and appears only when it is complete.

    Returns:
        The written folder, as `load_ingested` gives it.

    Raises:
        DataError: errors in the table, each with its row and column, or a part that is empty or has one label class.
        ConfigError: settings that contradict the table or each other, or an existing folder.
    """
    with new_folder(folder) as partial:
        _write(partial, data, encoding, split, seed)
    return load_ingested(folder)


def _write(folder: Path, data: DataConfig, encoding: EncodingConfig, split: SplitConfig, seed: int) -> None:
    files = read_tables(data)
    tables = files.rows
    schema = infer_schema(tables["train"], _without_split_column(files.columns, split, tables["train"]), files.missing, files.timestamps)
    report = report_on(files, schema)
    raise_errors("The table cannot be learnt from", report.findings, report.omitted)
    drawn = parts_drawn(files)
    rows = {name: np.arange(table.num_rows) for name, table in tables.items()}
    rows |= split_rows(tables["train"], split, schema.time, drawn, generator(seed, "split"))
    schema, report = with_label_range(schema, report, tables, rows["train"])
    of_table = {name: labels_of(table, schema) for name, table in tables.items()}
    rows = {name: of_part[~np.isnan(of_table.get(name, of_table["train"])[of_part])] for name, of_part in rows.items()}
    labels = {name: of_table.get(name, of_table["train"])[of_part] for name, of_part in rows.items()}
    check_classes(labels, positives_only=schema.negatives is not None)
    report = with_deceptions(report, files, schema, encoding, rows if split.kind == "time" else {})
    encoder = fit_encoder(tables["train"], schema, encoding, rows["train"])
    weights, tasks = learnt_weights(tables, schema.weight, rows), split_tasks(tables, schema, rows)
    split_table = SplitTable(tables, rows, taken_rows(of_table["train"], schema), labels, schema, weights, tasks)
    items, users = write_parts(folder, split_table, encoder, seed)
    save_values(folder, schema, encoder, items, users, report)


class Files(NamedTuple):
    """What was read.

    Attributes:
        rows: table of each part that has a file, and `train`; null where a cell is missing.
        notes: warnings about reading each of them.
        missing: texts that stood for missing cells, by column.
        columns: what is stated of the columns, and what was told of the label.
        timestamps: columns of dates or times, of which the rows have the parts.
        lengths: rows of each file of the main table.
        places: int64 (n,). Where the rows of the main table, which are those of a window, are in its files; None without a window.
    """

    rows: dict[PartName, pa.Table]
    notes: dict[PartName, FindingCollector]
    missing: dict[str, tuple[str, ...]]
    columns: SchemaConfig
    timestamps: tuple[Timestamp, ...] = ()
    lengths: tuple[int, ...] = ()
    places: np.ndarray | None = None


def read_tables(data: DataConfig, options: ReadOptions | None = None, sides: Sequence[Side] | None = None) -> Files:
    """The tables that settings name, with the columns of joined ones, null where a cell is missing.

    Args:
        data: the files and what is known about their columns.
        options: how files are read; None for what the settings say.
        sides: joined tables that were read; None reads them.

    Raises:
        DataError: a file cannot be read as a table, or lacks columns of the others.
        ConfigError: the settings are those of sequences.
    """
    check_is_file(data)
    if data.format == "sequences" or data.interactions is not None:
        raise ConfigError(
            f"Rows with a label are read from CSV, Parquet or JSON lines, but {data.path.name} is said to hold sequences of items. "
            "Leave `interactions` and `format = 'sequences'` out, or use a recipe of the kind 'overrec'."
        )
    paths: dict[PartName, tuple[Path, ...]] = {"train": data.paths}
    paths |= {name: (path,) for name, path in _own_files(data).items() if path is not None}
    files: dict[PartName, ReadFiles] = {name: read_files(of_part, options or options_of(data)) for name, of_part in paths.items()}
    tables, notes = {name: file.rows for name, file in files.items()}, {name: file.notes for name, file in files.items()}
    sides = read_sides(data) if sides is None else sides
    _check_alike(tables, without=added_columns(sides))
    tables = with_sides(with_plain_numbers(tables, data), sides, notes)
    _check_alike(tables)
    places = None
    if data.window is not None:
        tables["train"], places = newest_rows(tables["train"], data.window, data.columns.time)
    tables = with_numbers_of_vectors(tables, data.columns)
    cleaned = without_spelled_missing(tables, data.columns, notes)
    labelled = with_labels(cleaned.tables, data.columns, notes)
    timed = with_timestamps(labelled.tables, labelled.columns, cleaned.missing, notes)
    return Files(timed.tables, notes, cleaned.missing, labelled.columns, timed.timestamps, files["train"].lengths, places)


def _own_files(data: DataConfig) -> dict[PartName, Path | None]:
    return {"valid": data.valid_path, "test": data.test_path}


def _prefix(part: PartName) -> str:
    return "" if part == "train" else f"{part}_path: "


def parts_drawn(files: Files) -> list[PartName]:
    """Parts that have no file of their own."""
    return [name for name in ("valid", "test") if name not in files.rows]


def _check_alike(tables: Mapping[PartName, pa.Table], without: Collection[str] = ()) -> None:
    columns = [column for column in tables["train"].column_names if column not in without]
    for name, table in tables.items():
        _check_columns(tables["train"].select(columns), table, _prefix(name))


def _check_columns(main: pa.Table, table: pa.Table, prefix: str) -> None:
    findings = FindingCollector(prefix)
    for column in main.column_names:
        if column not in table.column_names:
            law = f"All files must have the same columns, but this one is not among {', '.join(table.column_names)}."
            findings.add("missing_column", law, column=column)
        elif is_list(table, column) and not is_list(main, column):
            findings.add("unexpected_list", "Cells must be lists in all files or in none, but here they are lists.", column=column)
    findings.raise_errors("The files do not fit together")


def _without_split_column(columns: SchemaConfig, split: SplitConfig, table: pa.Table) -> SchemaConfig:
    if split.column is None or split.column in columns.ignored:
        return columns
    if split.column not in table.column_names:
        raise ConfigError(
            f"`split.column` must name a column of the table, but got {split.column!r}; there are {', '.join(table.column_names)}."
        )
    return columns.model_copy(update={"ignored": (*columns.ignored, split.column)})


def report_on(files: Files, schema: Schema) -> ValidationReport:
    """Report on the main table, with the findings of the other files behind its own."""
    reports = {name: validate(table, schema, _prefix(name)) for name, table in files.rows.items()}
    reports["train"] = _at_places(reports["train"], files.places)
    omitted: dict[str, int] = {}
    for code, count in (pair for report in reports.values() for pair in report.omitted.items()):
        omitted[code] = omitted.get(code, 0) + count
    findings = [finding for report in reports.values() for finding in report.findings]
    for name, notes in files.notes.items():
        findings += [note.model_copy(update={"message": _prefix(name) + note.message}) for note in notes.kept]
    told, omitted = one_for_each_cause(findings, omitted)
    return reports["train"].model_copy(update={"findings": told, "omitted": omitted})


def _at_places(report: ValidationReport, places: np.ndarray | None) -> ValidationReport:
    """The report with rows as they are counted in the files, not in the window."""
    if places is None:
        return report
    moved = [one if one.row is None else one.model_copy(update={"row": int(places[one.row - 1]) + 1}) for one in report.findings]
    return report.model_copy(update={"findings": tuple(moved)})


def with_deceptions(
    report: ValidationReport, files: Files, schema: Schema, encoding: EncodingConfig, rows: Mapping[PartName, np.ndarray]
) -> ValidationReport:
    """The report with what encoding would cut, and what parts drawn by time, int64 (n,) rows each, share."""
    findings = FindingCollector()
    find_cut_lists(files.rows["train"], schema.fields, encoding.max_values, findings)
    find_collisions(files.rows["train"], schema.fields, findings)
    note_told_texts(schema.fields, files.columns.text, findings)
    if schema.time is not None and rows:
        find_split_faults(files.rows["train"], schema.time, {name: rows[name] for name in ("train", *parts_drawn(files))}, findings)
    return report.model_copy(update={"findings": (*report.findings, *findings.kept)})
