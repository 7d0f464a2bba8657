"""From files to encoded parts on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data.columns import is_list
from ihas.data.encoder import Encoder
from ihas.data.findings import FindingCollector, ValidationReport, raise_errors
from ihas.data.fitting import encode_blocks, encode_labels, fit_encoder
from ihas.data.inference import infer_schema
from ihas.data.items import build_item_table
from ihas.data.readers import read
from ihas.data.reading import options_of
from ihas.data.schema import Schema
from ihas.data.splits import PartName, check_classes, split_rows
from ihas.data.storage import Ingested, load_ingested, new_ids, save_labels, save_values
from ihas.data.validation import validate
from ihas.errors import ConfigError
from ihas.folders import new_folder
from ihas.seeding import generator


def inspect(data: DataConfig) -> ValidationReport:
    """What is in the files, writing nothing.

    Raises:
        DataError: a file cannot be read as a table, or lacks columns of the others.
        ConfigError: settings about the columns contradict the table or each other, or the label cannot be told.
    """
    tables = _read(data)
    return _report(tables, infer_schema(tables["train"], data.columns))


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
    tables = _read(data)
    schema = infer_schema(tables["train"], _without_split_column(data.columns, split, tables["train"]))
    report = _report(tables, schema)
    raise_errors("The table cannot be learnt from", report.findings, report.omitted)
    drawn: list[PartName] = [name for name in ("valid", "test") if name not in tables]
    rows = {name: np.arange(table.num_rows) for name, table in tables.items()}
    rows |= split_rows(tables["train"], split, schema.time, drawn, generator(seed, "split"))
    of_table = {name: encode_labels(table, schema.label) for name, table in tables.items()}
    labels = {name: of_table.get(name, of_table["train"])[of_part] for name, of_part in rows.items()}
    check_classes(labels)
    encoder = fit_encoder(tables["train"], schema, encoding, rows["train"])
    ids = _write_ids(folder, tables, rows, encoder)
    for name, of_part in labels.items():
        save_labels(folder, name, of_part)
    save_values(folder, schema, encoder, build_item_table(tables["train"], ids["train"], encoder, schema, rows["train"]), report)


def _read(data: DataConfig) -> dict[PartName, pa.Table]:
    if data.format == "sequences" or data.interactions is not None:
        raise ConfigError(
            f"Rows with a label are read from CSV, Parquet or JSON lines, but {data.path.name} is said to hold sequences of items. "
            "Leave `interactions` and `format = 'sequences'` out, or use a recipe of the kind 'overrec'."
        )
    paths: dict[PartName, Path | None] = {"train": data.path, "valid": data.valid_path, "test": data.test_path}
    tables = {name: read(path, options_of(data)).rows for name, path in paths.items() if path is not None}
    for name, table in tables.items():
        _check_columns(tables["train"], table, f"{name}_path: ")
    return tables


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


def _report(tables: dict[PartName, pa.Table], schema: Schema) -> ValidationReport:
    """Report on the main table, with the findings of the other files behind its own."""
    reports = [validate(table, schema, "" if name == "train" else f"{name}_path: ") for name, table in tables.items()]
    omitted: dict[str, int] = {}
    for code, count in (pair for report in reports for pair in report.omitted.items()):
        omitted[code] = omitted.get(code, 0) + count
    findings = tuple(finding for report in reports for finding in report.findings)
    return reports[0].model_copy(update={"findings": findings, "omitted": omitted})


def _write_ids(
    folder: Path, tables: dict[PartName, pa.Table], rows: dict[PartName, np.ndarray], encoder: Encoder
) -> dict[PartName, np.ndarray]:
    """Ids of each part, mapped; a pass over each table, whose rows come in the order of its parts."""
    written = {name: new_ids(folder, name, (len(of_part), encoder.layout.num_slots)) for name, of_part in rows.items()}
    for name, table in tables.items():
        parts = [part for part in rows if part == name or (name == "train" and part not in tables)]
        for block, ids in encode_blocks(table, encoder):
            for part in parts:
                first, end = np.searchsorted(rows[part], (block.start, block.stop))
                written[part][first:end] = ids[rows[part][first:end] - block.start]
    for ids_of_part in written.values():
        ids_of_part.flush()
    return dict(written)
