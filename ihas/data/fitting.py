"""Encoder from training rows, and whole tables through an encoder, once per distinct value instead of once per cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config.encoding import EncodingConfig
from ihas.data.columns import ListColumn, clicked_texts, is_list, list_column, numbers, split_texts, text_column
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import (
    FIRST_VALUE,
    MISSING,
    UNKNOWN,
    CategoricalEncoder,
    FieldEncoder,
    HashedEncoder,
    MultivaluedEncoder,
    NumericEncoder,
    PiecewiseEncoder,
    TextEncoder,
)
from ihas.data.findings import FindingCollector
from ihas.data.hashed import fit_hashed, fit_text
from ihas.data.label_numbers import encode_numbers
from ihas.data.layout import PADDING
from ihas.data.mapped import spans
from ihas.data.quantiles import quantiles
from ihas.data.schema import Field, Schema
from ihas.data.validation import find_label_faults, find_number_faults, values_within
from ihas.data.vectors import find_vector_faults, fit_vector, vector_ids

_BLOCK_ROWS = 1 << 18
_Ids = Callable[[pa.Table], np.ndarray]


def fit_encoder(table: pa.Table, schema: Schema, config: EncodingConfig, train: np.ndarray | None = None) -> Encoder:
    """Encoder whose values, buckets and slots are those of the training rows of a table that was read.

    Args:
        table: the rows.
        schema: what the columns are.
        config: how cells become ids.
        train: int64 (n,) ascending. Training rows; all of them where there are none.
    """
    fields = tuple(_fit_field(table, field, config, train) for field in schema.fields)
    return Encoder(fields=fields, timestamps=schema.timestamps)


def encode_table(table: pa.Table, schema: Schema, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a table that was read, as `Encoder.encode_rows` encodes them, and their labels.

    Returns:
        ids: int32 (rows, num_slots); labels: float32 (rows,).

    Raises:
        DataError: labels other than 0 and 1, or than numbers where the schema says so, texts in a numeric field, or lists in a field with
            one value.
    """
    empty = np.empty((0, encoder.layout.num_slots), dtype=np.int32)
    return np.concatenate([empty, *(ids for _, ids in encode_blocks(table, encoder))]), labels_of(table, schema)


def encode_blocks(table: pa.Table, encoder: Encoder) -> Iterator[tuple[slice, np.ndarray]]:
    """Neighbouring rows and their ids, int32 (rows of the block, num_slots), block by block; DataError as `encode_table`."""
    layout = encoder.layout
    _check_cells(table, encoder)
    table = table.unify_dictionaries()  # so that a block has all texts of its column
    fields = [_ids_of(table, field) for field in encoder.fields]
    for block in spans(table.num_rows, _BLOCK_ROWS):
        rows = table.slice(block.start, block.stop - block.start)
        ids = np.empty((rows.num_rows, layout.num_slots), dtype=np.int32)
        for of_block, first_row, first_slot, slots in zip(fields, layout.first_rows, layout.first_slots, layout.slots, strict=True):
            local = of_block(rows)
            ids[:, first_slot : first_slot + slots] = np.where(local == PADDING, PADDING, local + first_row)
        yield block, ids


def encode_labels(table: pa.Table, name: str, *, dropping: bool = False) -> np.ndarray:
    """Labels as numbers: float32 (rows,), 0 or 1, and NaN for a missing one where such rows are dropped; DataError for anything else."""
    findings = FindingCollector()
    find_label_faults(table, name, findings, dropping=dropping)
    findings.raise_errors("Labels cannot be read")
    column = text_column(table, name)
    return np.asarray(np.append(clicked_texts(column).astype(np.float32), np.float32("nan"))[column.codes])


def labels_of(table: pa.Table, schema: Schema) -> np.ndarray:
    """Labels of a table that was read, float32 (rows,) from 0 to 1: NaN in rows that are left out; errors as `encode_table`."""
    if schema.label_range is not None:
        return encode_numbers(table, schema)
    labels = encode_labels(table, schema.label, dropping=schema.unlabelled == "drop")
    return labels if schema.negatives is None else np.where(labels > 0.0, labels, np.float32("nan"))


def _fit_field(table: pa.Table, field: Field, config: EncodingConfig, train: np.ndarray | None) -> FieldEncoder:
    if field.kind == "multivalued":
        return _fit_multivalued(table, field, config, train)
    if field.kind == "vector":
        return fit_vector(table, field, train)
    column = text_column(table, field.name).take(train)
    if field.kind == "text":
        return fit_text(column, field, config.min_count)
    if field.kind == "categorical" and field.buckets is not None:
        return fit_hashed(column, field, config.min_count)
    if field.kind == "categorical":
        values = frequent_values(column.texts, column.counts, config.min_count)
        return CategoricalEncoder(name=field.name, role=field.role, values=values, missing=field.missing)
    found = np.unique(quantiles(numbers(column.texts), column.counts, config.num_buckets))
    if config.numeric == "piecewise" and len(found):
        return PiecewiseEncoder(name=field.name, role=field.role, knots=tuple(found.tolist()), missing=field.missing)
    edges = np.unique(quantiles(numbers(column.texts), column.counts, config.num_buckets)[:-1])[1:]
    return NumericEncoder(name=field.name, role=field.role, edges=tuple(edges.tolist()), missing=field.missing)


def _fit_multivalued(table: pa.Table, field: Field, config: EncodingConfig, train: np.ndarray | None) -> MultivaluedEncoder:
    if is_list(table, field.name):
        cells = list_column(table, field.name).take(train)
        texts, counts, lengths = cells.values.texts, cells.values.counts, cells.lengths
    else:
        column = text_column(table, field.name).take(train)
        texts, counts = values_within(column, field.separator)
        lengths = split_texts(column.texts, field.separator).lengths[column.counts > 0]
    return MultivaluedEncoder(
        name=field.name,
        role=field.role,
        values=frequent_values(texts, counts, config.min_count),
        slots=int(np.clip(lengths.max(initial=1), 1, config.max_values)),
        separator=field.separator,
        keep=field.keep,
    )


def frequent_values(texts: pa.StringArray, counts: np.ndarray, min_count: int) -> tuple[str, ...]:
    """Texts that occur at least `min_count` times, counts int64 (texts,); commonest first, equally common ones by text."""
    kept = counts >= min_count
    pairs = zip((-counts[kept]).tolist(), map(str, texts.filter(pa.array(kept)).to_pylist()), strict=True)
    return tuple(text for _, text in sorted(pairs))


def _check_cells(table: pa.Table, encoder: Encoder) -> None:
    findings = FindingCollector()
    for field in encoder.fields:
        if field.kind == "vector":
            find_vector_faults(table, field.name, field.slots, findings)
        elif field.kind != "multivalued" and is_list(table, field.name):
            findings.add("unexpected_list", "The field has one value per cell, but the column holds lists.", column=field.name)
        elif field.kind in ("numeric", "piecewise"):
            find_number_faults(table, field.name, findings)
    findings.raise_errors("The table does not fit the encoder")


def _ids_of(table: pa.Table, field: FieldEncoder) -> _Ids:
    """Function from a block of the table to its ids, counted from the field's first table row: int32 (rows, slots)."""
    if field.kind == "vector":
        return lambda block: vector_ids(block, field)
    if field.kind == "multivalued" and is_list(table, field.name):
        return lambda block: _list_ids(list_column(block, field.name), field)
    texts = text_column(table.slice(0, 1), field.name).texts
    of_text = _single_ids(field, texts) if field.kind != "multivalued" else _list_ids(split_texts(texts, field.separator), field)
    missing = np.full((1, field.slots), PADDING, dtype=np.int32)
    missing[0, 0] = MISSING
    of_code = np.concatenate([of_text, missing])  # the last entry is that of code -1, a missing cell
    return lambda block: of_code[text_column(block, field.name).codes]


def _single_ids(
    field: CategoricalEncoder | NumericEncoder | PiecewiseEncoder | HashedEncoder | TextEncoder, texts: pa.StringArray
) -> np.ndarray:
    if isinstance(field, PiecewiseEncoder):
        return field.ids(np.nan_to_num(numbers(texts)))
    if isinstance(field, NumericEncoder):
        return field.ids(numbers(texts))
    if isinstance(field, HashedEncoder | TextEncoder):
        return _each_ids(field, texts)
    return _vocabulary_ids(field.values, texts)[:, None]


def _each_ids(field: HashedEncoder | TextEncoder, texts: pa.StringArray) -> np.ndarray:
    ids = np.full((len(texts), field.slots), PADDING, dtype=np.int32)
    for row, text in enumerate(texts.to_pylist()):
        found = field.encode(str(text), "")
        ids[row, : len(found)] = found
    return ids


def _vocabulary_ids(values: tuple[str, ...], texts: pa.StringArray) -> np.ndarray:
    found: Any = pc.index_in(texts, pa.array(values, pa.string()))
    return np.asarray(pc.fill_null(found, UNKNOWN - FIRST_VALUE), dtype=np.int32) + FIRST_VALUE


def _list_ids(cells: ListColumn, field: MultivaluedEncoder) -> np.ndarray:
    ids = np.full((len(cells.lengths), field.slots), PADDING, dtype=np.int32)
    row = np.repeat(np.arange(len(ids)), cells.lengths)
    slot = np.arange(row.size) - np.repeat(cells.offsets[:-1], cells.lengths)
    if field.keep == "last":
        slot -= np.repeat(np.maximum(cells.lengths - field.slots, 0), cells.lengths)
    kept = (slot >= 0) & (slot < field.slots)
    ids[row[kept], slot[kept]] = _vocabulary_ids(field.values, cells.values.texts)[cells.values.codes][kept]
    ids[cells.lengths == 0, 0] = MISSING
    return ids
