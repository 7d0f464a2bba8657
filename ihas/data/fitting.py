"""Encoder from training rows, and whole tables through an encoder, once per distinct value instead of once per cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config import EncodingConfig
from ihas.data.columns import ListColumn, is_list, list_column, numbers, split_texts, text_column
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import (
    FIRST_VALUE,
    MISSING,
    UNKNOWN,
    CategoricalEncoder,
    FieldEncoder,
    MultivaluedEncoder,
    NumericEncoder,
)
from ihas.data.findings import FindingCollector
from ihas.data.quantiles import quantiles
from ihas.data.schema import Field, Schema
from ihas.data.validation import find_label_faults, find_number_faults, values_within
from ihas.layout import PADDING

_BLOCK_ROWS = 1 << 18
_Rows = Callable[[int, int], np.ndarray]


def fit_encoder(train: pa.Table, schema: Schema, config: EncodingConfig) -> Encoder:
    """Encoder whose values, buckets and slots are those of the training rows: a table that was read."""
    return Encoder(fields=tuple(_fit_field(train, field, config) for field in schema.fields))


def encode_table(table: pa.Table, schema: Schema, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a table that was read, as `Encoder.encode_rows` encodes them, and their labels.

    Returns:
        ids: int32 (rows, num_slots); labels: float32 (rows,).

    Raises:
        DataError: labels other than 0 and 1, texts in a numeric field, or lists in a field with one value.
    """
    ids = np.empty((table.num_rows, encoder.layout.num_slots), dtype=np.int32)
    encode_fields(table, encoder, ids)
    return ids, encode_labels(table, schema.label)


def encode_fields(table: pa.Table, encoder: Encoder, ids: np.ndarray) -> None:
    """Encode all fields into `ids`, int32 (rows, num_slots), block by block; DataError as `encode_table`."""
    layout = encoder.layout
    _check_cells(table, encoder)
    fields = [_field_rows(table, field) for field in encoder.fields]
    for start in range(0, table.num_rows, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, table.num_rows)
        for rows, first_row, first_slot, slots in zip(fields, layout.first_rows, layout.first_slots, layout.slots, strict=True):
            local = rows(start, stop).reshape(stop - start, slots)
            ids[start:stop, first_slot : first_slot + slots] = np.where(local == PADDING, PADDING, local + first_row)


def encode_labels(table: pa.Table, name: str) -> np.ndarray:
    """Labels as numbers: float32 (rows,), 0 or 1; DataError for anything else."""
    findings = FindingCollector()
    find_label_faults(table, name, findings)
    findings.raise_errors("Labels cannot be read")
    column = text_column(table, name)
    clicked = np.isin(column.texts.to_numpy(zero_copy_only=False), ("1", "true"))
    return np.asarray(clicked.astype(np.float32)[column.codes])


def _fit_field(train: pa.Table, field: Field, config: EncodingConfig) -> FieldEncoder:
    if field.kind == "multivalued":
        return _fit_multivalued(train, field, config)
    column = text_column(train, field.name)
    if field.kind == "categorical":
        return CategoricalEncoder(name=field.name, role=field.role, values=_frequent(column.texts, column.counts, config.min_count))
    edges = np.unique(quantiles(numbers(column.texts), column.counts, config.num_buckets)[:-1])[1:]
    return NumericEncoder(name=field.name, role=field.role, edges=tuple(edges.tolist()))


def _fit_multivalued(train: pa.Table, field: Field, config: EncodingConfig) -> MultivaluedEncoder:
    if is_list(train, field.name):
        cells = list_column(train, field.name)
        texts, counts, lengths = cells.values.texts, cells.values.counts, cells.lengths
    else:
        column = text_column(train, field.name)
        texts, counts = values_within(column, field.separator)
        lengths = split_texts(column.texts, field.separator).lengths[column.counts > 0]
    return MultivaluedEncoder(
        name=field.name,
        role=field.role,
        values=_frequent(texts, counts, config.min_count),
        slots=int(np.clip(lengths.max(initial=1), 1, config.max_values)),
        separator=field.separator,
    )


def _frequent(texts: pa.StringArray, counts: np.ndarray, min_count: int) -> tuple[str, ...]:
    kept = counts >= min_count
    pairs = zip((-counts[kept]).tolist(), map(str, texts.filter(pa.array(kept)).to_pylist()), strict=True)
    return tuple(text for _, text in sorted(pairs))


def _check_cells(table: pa.Table, encoder: Encoder) -> None:
    findings = FindingCollector()
    for field in encoder.fields:
        if field.kind != "multivalued" and is_list(table, field.name):
            findings.add("unexpected_list", "The field has one value per cell, but the column holds lists.", column=field.name)
        elif field.kind == "numeric":
            find_number_faults(table, field.name, findings)
    findings.raise_errors("The table does not fit the encoder")


def _field_rows(table: pa.Table, field: FieldEncoder) -> _Rows:
    """Function from a range of rows to their ids, counted from the field's first table row: int32 (rows, slots)."""
    if field.kind == "multivalued" and is_list(table, field.name):
        return _list_rows(list_column(table, field.name), field)
    column = text_column(table, field.name)
    if field.kind == "multivalued":
        of_text = _list_rows(split_texts(column.texts, field.separator), field)(0, len(column.texts))
    else:
        of_text = (_vocabulary_ids(field.values, column.texts) if field.kind == "categorical" else _bucket_ids(field, column.texts))[
            :, None
        ]
    missing = np.full((1, field.slots), PADDING, dtype=np.int32)
    missing[0, 0] = MISSING
    of_code = np.concatenate([of_text, missing])  # the last entry is that of code -1, a missing cell
    return lambda start, stop: of_code[column.codes[start:stop]]


def _vocabulary_ids(values: tuple[str, ...], texts: pa.StringArray) -> np.ndarray:
    found: Any = pc.index_in(texts, pa.array(values, pa.string()))
    return np.asarray(pc.fill_null(found, UNKNOWN - FIRST_VALUE), dtype=np.int32) + FIRST_VALUE


def _bucket_ids(field: NumericEncoder, texts: pa.StringArray) -> np.ndarray:
    return np.searchsorted(np.array(field.edges), numbers(texts), side="right").astype(np.int32) + FIRST_VALUE


def _list_rows(cells: ListColumn, field: MultivaluedEncoder) -> _Rows:
    of_value = _vocabulary_ids(field.values, cells.values.texts)

    def rows(start: int, stop: int) -> np.ndarray:
        ids = np.full((stop - start, field.slots), PADDING, dtype=np.int32)
        lengths = cells.lengths[start:stop]
        row = np.repeat(np.arange(stop - start), lengths)
        slot = np.arange(row.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        kept = slot < field.slots
        ids[row[kept], slot[kept]] = of_value[cells.values.codes[cells.offsets[start] : cells.offsets[stop]]][kept]
        ids[lengths == 0, 0] = MISSING
        return ids

    return rows
