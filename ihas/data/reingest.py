"""From a newer table to encoded parts, with what an earlier table was read as: its columns, its encoder, its parts.

The newer table must have the earlier one's columns, each of its type; further columns are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.learning import LearningConfig
from ihas.data.columns import is_list, text_column
from ihas.data.findings import FindingCollector, raise_errors
from ihas.data.fitting import encode_blocks, labels_of
from ihas.data.gathering import without_texts
from ihas.data.grown_encoder import grow_encoder
from ihas.data.ingest import Files, read_tables, report_on, with_deceptions
from ihas.data.joining import added_columns, read_sides
from ihas.data.kept_parts import hash_ids, hash_parts, keep_parts
from ihas.data.label_numbers import taken_rows
from ihas.data.labels import DRAWN_LABEL
from ihas.data.part_files import SplitTable, write_parts
from ihas.data.reading import options_of
from ihas.data.schema import Schema, sized_columns
from ihas.data.splits import PARTS, PartName, check_classes, split_rows
from ihas.data.storage import Ingested, load_ingested, save_values
from ihas.data.weights import learnt_weights
from ihas.errors import DataError
from ihas.folders import new_folder
from ihas.seeding import generator


@dataclass(frozen=True)
class Earlier:
    """What an earlier table was read as.

    Attributes:
        data: its rows, encoded, its columns and encoder.
        config: how it was encoded and split; the newer table is, too.
    """

    data: Ingested
    config: LearningConfig


def ingest_newer(data: DataConfig, earlier: Earlier, folder: Path) -> Ingested:
    """Read, check, split, encode by a grown encoder and write; equal arguments give equal bytes.

    Args:
        data: the newer table; what it says about columns does not count, the earlier table's do.
        earlier: what it must fit.
        folder: where to write; it must not exist, and appears only when it is complete.

    Raises:
        DataError: columns that are missing or of another type, errors in cells, or a part that is empty or has one label class.
        ConfigError: settings that contradict each other, or an existing folder.
    """
    with new_folder(folder) as partial:
        _write(partial, data, earlier)
    return load_ingested(folder)


def _write(folder: Path, data: DataConfig, earlier: Earlier) -> None:
    schema, config = earlier.data.schema, earlier.config
    files = _read(data, schema, config)
    table = files.rows["train"]
    report = report_on(files, schema)
    raise_errors("The table cannot be learnt from", report.findings, report.omitted)
    labels = labels_of(table, schema)
    rows = {name: of_part[~np.isnan(labels[of_part])] for name, of_part in _divide(table, labels, earlier).items()}
    of_part = {name: labels[rows[name]] for name in PARTS}
    check_classes(of_part, positives_only=schema.negatives is not None)
    report = with_deceptions(report, files, schema, config.encoding, rows if config.split.kind == "time" else {})
    encoder = grow_encoder(earlier.data.encoder, table, config.encoding.min_count, rows["train"])
    tables: dict[PartName, pa.Table] = {"train": table}
    split = SplitTable(tables, rows, taken_rows(labels, schema), of_part, schema, learnt_weights(tables, schema.weight, rows))
    save_values(folder, schema, encoder, *write_parts(folder, split, encoder, config.seed), report)


def _divide(table: pa.Table, labels: np.ndarray, earlier: Earlier) -> dict[PartName, np.ndarray]:
    config, rng = earlier.config, generator(earlier.config.seed, "split")
    if config.split.kind != "random" or config.split.group is not None:
        return split_rows(table, config.split, earlier.data.schema.time, ("valid", "test"), rng)
    hashes = np.empty(table.num_rows, np.uint64)
    for block, ids in encode_blocks(table, earlier.data.encoder):
        hashes[block] = hash_ids(ids, labels[block])
    rows = keep_parts(hashes, hash_parts(earlier.data.parts), config.split, rng)
    for name, of_part in rows.items():
        if not of_part.size:
            law = f"The part {name!r} must have rows, but of {table.num_rows} rows it has none."
            raise DataError(f"{law} Provide more rows, or change `split`.")
    return rows


def _read(data: DataConfig, schema: Schema, config: LearningConfig) -> Files:
    sides = read_sides(data)
    added, keys = added_columns(sides), {side.config.key for side in sides}
    wanted = _wanted(schema, config, data)
    alone = data.model_copy(update={"valid_path": None, "test_path": None, "columns": _stated(schema)})
    options = replace(
        options_of(alone),
        only=frozenset((*wanted, *keys, *added)),
        check_names=lambda names: _check_names(names, wanted, (DRAWN_LABEL, schema.weight, *added)),
    )
    files = read_tables(alone, options, sides)
    table = files.rows["train"]
    _check_types(table, schema)
    return files._replace(rows={"train": _without_missing(table, schema)})


def _wanted(schema: Schema, config: LearningConfig, data: DataConfig) -> tuple[str, ...]:
    """Columns that are read."""
    of_window = None if data.window is None else data.window.column
    of_split = (schema.time, config.split.column, config.split.group)
    names = (schema.label, schema.weight, *schema.stated_names, *schema.display, *of_split, of_window)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _check_names(names: Sequence[str], wanted: Sequence[str], optional: Sequence[str | None]) -> None:
    findings = FindingCollector()
    for name in wanted:
        if name not in names and name not in optional:
            law = "The newer table must have the columns of the first one, but lacks this one. Add it, or start a new search without it."
            findings.add("missing_column", law, column=name)
    findings.raise_errors("The table does not fit the model")


def _stated(schema: Schema) -> SchemaConfig:
    """Every column as it was read."""
    parts = {name for one in schema.timestamps for name in one.fields.values()}
    return SchemaConfig(
        label=schema.label,
        positive=schema.positive,
        label_range=schema.label_range,
        unlabelled=schema.unlabelled,
        negatives=schema.negatives,
        negatives_kept=schema.negatives_kept,
        item_id=schema.item_id if schema.negatives is not None else None,
        user_id=schema.user_id if schema.negatives is not None else None,
        timestamps={one.name: one.stated for one in schema.timestamps},
        categorical=tuple(
            field.name for field in schema.fields if field.kind == "categorical" and field.buckets is None and field.name not in parts
        ),
        **sized_columns(schema.fields),
        numeric=tuple(field.name for field in schema.fields if field.kind == "numeric" and field.name not in parts),
        multivalued={field.name: field.separator or "|" for field in schema.fields if field.kind == "multivalued"},
        display=schema.display,
        time=schema.time,
    )


def _check_types(table: pa.Table, schema: Schema) -> None:
    findings = FindingCollector()
    for field in schema.fields:
        holds_lists = is_list(table, field.name)
        wants_lists = field.kind == "vector" or (field.kind == "multivalued" and field.separator is None)
        if holds_lists and field.kind not in ("multivalued", "vector"):
            findings.add("unexpected_list", f"Cells must be one value, as the field is {field.kind}, but are lists.", column=field.name)
        elif wants_lists and not holds_lists:
            findings.add("expected_list", "Cells must be lists, as in the first table, but are single values.", column=field.name)
    findings.raise_errors("The table does not fit the model")


def _without_missing(table: pa.Table, schema: Schema) -> pa.Table:
    """Null also in cells of categorical fields whose text said in the first table that a value is missing."""
    for field in (field for field in schema.fields if field.kind == "categorical" and field.missing):
        spelled = np.asarray(pc.is_in(text_column(table, field.name).texts, pa.array(field.missing, pa.string())))
        if spelled.any():
            place = table.column_names.index(field.name)
            table = table.set_column(place, field.name, without_texts(table.column(field.name), spelled))
    return table
