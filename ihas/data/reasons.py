"""Why each column is what it is taken for, in a sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ihas.config.data import SchemaConfig
from ihas.data.columns import Column, is_list, list_column, numbers, text_column
from ihas.data.hashed import words_within
from ihas.data.inference import HISTORY_SHARE, ITEM_NAMES, LABEL_NAMES, MAX_CATEGORIES
from ihas.data.label_guess import told_values
from ihas.data.labels import DRAWN_LABEL
from ihas.data.schema import Field, Schema

_SETTINGS = (
    "categorical",
    "numeric",
    "multivalued",
    "histories",
    "text",
    "hash_buckets",
    "vectors",
    "timestamps",
    "ignored",
    "display",
    "item",
    "tasks",
)
_SHOWN = 30
MOSTLY = 0.9
"""Share of texts that are numbers from which on the others are told: they may be what keeps a column from being numeric."""


def reasons_of(table: pa.Table, schema: Schema, stated: SchemaConfig) -> dict[str, str]:
    """Sentence on each column of a table that was read.

    Args:
        table: the rows.
        schema: what the columns are.
        stated: what was stated of them; everything else was inferred.
    """
    fields = {field.name: field for field in schema.fields}
    parts = {name: (one.name, part) for one in schema.timestamps for part, name in one.fields.items()}
    return {name: _reason(table, name, schema, fields.get(name), stated, parts) for name in table.column_names}


def _reason(
    table: pa.Table, name: str, schema: Schema, field: Field | None, stated: SchemaConfig, parts: Mapping[str, tuple[str, str]]
) -> str:
    if name in parts:
        return f"the {parts[name][1]} of `{parts[name][0]}`"
    if name == schema.label:
        return _of_label(table, schema, stated)
    listed = [setting for setting in _SETTINGS if name in getattr(stated, setting)]
    roles = [setting for setting in ("item_id", "user_id", "time", "weight") if getattr(stated, setting) == name]
    roles += ["user"] if name in stated.user else []
    said = f"stated under {' and '.join(f'`{setting}`' for setting in (*listed, *roles))}" if listed or roles else ""
    own = (
        ""
        if field is None or set(listed) & {"categorical", "numeric", "multivalued", "text", "hash_buckets", "vectors"}
        else _of_kind(table, field)
    )
    if field is None and not said:
        own = _of_timestamp(table, name)
    role = _of_role(field, schema, stated) if field is not None else ""
    return "; ".join(filter(None, (said, own, role)))


def _of_label(table: pa.Table, schema: Schema, stated: SchemaConfig) -> str:
    if schema.label == DRAWN_LABEL:
        return "each row is a positive, and negatives are drawn"
    how = "stated under `label`" if stated.label == schema.label else f"called like a label, as are {', '.join(LABEL_NAMES[:3])}"
    rule = "" if schema.positive is None else f"; a click is {schema.positive!r}"
    rule += "; a number to be predicted" if schema.label_range is not None else ""
    values = "" if is_list(table, schema.label) else f"; it holds {told_values(text_column(table, schema.label))}"
    return f"{how}{rule}{values}"


def _of_kind(table: pa.Table, field: Field) -> str:
    """What the cells are, and the kind that this makes."""
    if field.kind == "vector":
        return f"each cell is a list of {field.dim} numbers, some with a fraction: vector"
    if is_list(table, field.name):
        return f"cells hold lists of {len(list_column(table, field.name).values.texts):,} different values: multi-valued"
    column = text_column(table, field.name)
    if field.kind == "multivalued":
        return f"cells hold values with {field.separator!r} between them, in different numbers: multi-valued"
    if field.kind == "text":
        return _of_text(column)
    return _of_numbers(column) if field.kind == "numeric" else _of_categories(column)


def _of_text(column: Column) -> str:
    cells = words_within(column.texts)
    mean, words = cells.lengths.mean(), len(cells.values.texts)
    return f"{len(cells.lengths):,} different texts of {mean:.1f} words on average, {words:,} different words among them: text"


def _of_numbers(column: Column) -> str:
    count, values = _used(column)
    return f"{count:,} different numbers, {int((values != np.floor(values)).sum()):,} of them with a fraction: numeric"


def _of_categories(column: Column) -> str:
    count, values = _used(column)
    are_numbers = np.isfinite(values)
    if not count:
        return "all cells are missing: categories"
    if are_numbers.all() and count <= MAX_CATEGORIES:
        return f"{count:,} different numbers, no more than {MAX_CATEGORIES}: categories"
    if are_numbers.all():
        return f"{count:,} different whole numbers, mostly ids or codes: categories; list it under `numeric` if it measures something"
    if count > MAX_CATEGORIES and are_numbers.mean() >= MOSTLY:
        odd = next(str(text) for text in column.texts.filter(pa.array(column.counts > 0)).filter(pa.array(~are_numbers)).to_pylist())
        others = int((~are_numbers).sum())
        return f"{others:,} of {count:,} different values are no numbers, such as {odd[:_SHOWN]!r}: categories; correct them for numbers"
    return f"{count:,} different text{'' if count == 1 else 's'}: categories"


def _used(column: Column) -> tuple[int, np.ndarray]:
    """Texts that occur, and the number that each spells."""
    used = column.counts > 0
    return int(used.sum()), numbers(column.texts)[used]


def _of_timestamp(table: pa.Table, name: str) -> str:
    count = 0 if is_list(table, name) else _used(text_column(table, name))[0]
    return f"{count:,} different dates or times: a timestamp, whose parts are fields"


def _of_role(field: Field, schema: Schema, stated: SchemaConfig) -> str:
    if field.keep == "last" and field.name not in stated.histories:
        return f"{HISTORY_SHARE:.0%} of its values or more are items: a history"
    if field.name == schema.item_id and stated.item_id is None:
        return f"called like an item, as are {', '.join(ITEM_NAMES[:3])}: the item's id"
    if field.role == "item" and field.name not in (*stated.item, stated.item_id):
        return "each item has one value: it describes the item"
    return ""
