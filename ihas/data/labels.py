"""Labels that are no 0 and 1: made so by a rule, stated or told from two texts of which one says yes.

The column of the table becomes one of the texts 0 and 1, so that nothing behind it knows of any rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ihas.config.data import SchemaConfig
from ihas.config.label_rule import LabelRule
from ihas.data.cells import cell_text
from ihas.data.columns import Column, is_list, numbers, repeated_text, text_column
from ihas.data.findings import FindingCollector
from ihas.data.gathering import recoded
from ihas.data.inference import LABEL_NAMES, POSITIVES_ONLY, label_column
from ihas.data.label_guess import told_pair, told_values, used_texts
from ihas.data.splits import PartName
from ihas.errors import ConfigError

DRAWN_LABEL = "label (drawn)"
"""Column that a table of positives without a label gets."""


class Labelled(NamedTuple):
    """Tables whose label is 0 or 1.

    Attributes:
        tables: by part.
        columns: what is stated, and the rule that was told.
    """

    tables: dict[PartName, pa.Table]
    columns: SchemaConfig


def with_labels(tables: Mapping[PartName, pa.Table], columns: SchemaConfig, notes: Mapping[PartName, FindingCollector]) -> Labelled:
    """The tables with 0 and 1 in the label's column; what the rule makes of it is noted, and cells that it cannot judge are errors.

    Args:
        tables: tables that were read; the one of `train` says what the label is.
        columns: what is stated.
        notes: takes the findings about each table.

    Raises:
        ConfigError: a rule that holds for no row, or for all; or the label cannot be told.
        DataError: the first line looks like data.
    """
    if columns.negatives is not None:
        tables, columns = _with_every_row_taken(tables, columns)
    name = label_column(tables["train"], columns)
    if columns.label_range is not None or any(is_list(table, name) for table in tables.values()):
        return Labelled(dict(tables), columns)
    pair = None if columns.positive is not None else told_pair(text_column(tables["train"], name))
    positive = columns.positive if pair is None else pair[0]
    if positive is None:
        return Labelled(dict(tables), columns)
    rule = LabelRule.parse(positive)
    if columns.negatives is None and _stands(rule, text_column(tables["train"], name)):
        law = f"The label holds 0 and 1 alone, of which {rule} says nothing: it is read as it stands."
        notes["train"].add("label_stands", law, column=name, severity="warning")
        return Labelled(dict(tables), columns.model_copy(update={"positive": None}))
    _check_divides(rule, text_column(tables["train"], name), name, positives_only=columns.negatives is not None)
    if pair is not None:
        law = f"The label is no 0 and 1, but two texts of which {pair[0]!r} says yes, so `positive = {pair[0]!r}` was taken."
        notes["train"].add("label_told", f"{law} State another `positive` if that is wrong.", column=name, severity="warning")
    labelled = {part: _labelled(table, name, rule, pair, notes[part]) for part, table in tables.items()}
    return Labelled(labelled, columns.model_copy(update={"label": name, "positive": positive}))


def positives(rule: LabelRule, texts: pa.StringArray) -> np.ndarray:
    """Which canonical texts the rule holds for: bool (texts,); false for what is no number under a comparison."""
    if not rule.comparison:
        return np.isin(texts.to_numpy(zero_copy_only=False), [text for value in rule.values if (text := cell_text(value))])
    values = numbers(texts)
    compare = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}[rule.comparison]
    return np.asarray(compare(values, rule.bound))


def _stands(rule: LabelRule, column: Column) -> bool:
    """Whether a rule that does not divide the rows is one of another table, whose labels were 0 and 1 already when it was written."""
    clicks = int(column.counts[positives(rule, column.texts)].sum())
    return set(used_texts(column)) in ({"0", "1"}, {"false", "true"}) and clicks in (0, int(column.counts.sum()))


def _with_every_row_taken(tables: Mapping[PartName, pa.Table], columns: SchemaConfig) -> tuple[Mapping[PartName, pa.Table], SchemaConfig]:
    """Tables with a label of 1 in each row, where none has a label."""
    called = [name for name in tables["train"].column_names if name.strip().lower() in LABEL_NAMES]
    if columns.label not in (None, DRAWN_LABEL) or (columns.label is None and called) or DRAWN_LABEL in tables["train"].column_names:
        return tables, columns
    found = {part: table.append_column(DRAWN_LABEL, repeated_text("1", table.num_rows)) for part, table in tables.items()}
    return found, columns.model_copy(update={"label": DRAWN_LABEL, "positive": None})


def _check_divides(rule: LabelRule, column: Column, name: str, *, positives_only: bool) -> None:
    clicks, rows = int(column.counts[positives(rule, column.texts)].sum()), int(column.counts.sum())
    if 0 < clicks < rows or not rows or (positives_only and clicks):
        return
    held = "every row" if clicks else "no row"
    law = f"`positive` must hold for some rows and not for others, but {rule} holds for {held}: `{name}` holds {told_values(column)}."
    raise ConfigError(f"{law} {POSITIVES_ONLY if clicks else 'State one of these values, or another column.'}")


def _labelled(table: pa.Table, name: str, rule: LabelRule, pair: tuple[str, str] | None, notes: FindingCollector) -> pa.Table:
    column = text_column(table, name)
    _find_unjudged(column, name, rule, pair, notes)
    clicked = positives(rule, column.texts)
    clicks, rows = int(column.counts[clicked].sum()), int(column.counts.sum())
    law = f"{rule} is a click: {clicks:,} of {rows:,} rows, {clicks / max(rows, 1):.1%}. The column holds {told_values(column)}."
    notes.add("label_rule", law, column=name, severity="warning")
    labels = recoded(table.column(name).unify_dictionaries(), clicked.astype(np.int32), pa.array(["0", "1"]))
    return table.set_column(table.column_names.index(name), name, labels)


def _find_unjudged(column: Column, name: str, rule: LabelRule, pair: tuple[str, str] | None, notes: FindingCollector) -> None:
    """Errors of cells of which a comparison, or a pair that was told, says nothing: one where they are many."""
    if rule.comparison:
        law = f"The label must be a number where `positive` is {str(rule)!r}, but it is {{!r}}. Correct it, drop the row, or list values."
        bad = column.rows_where(np.isnan(numbers(column.texts)))
        notes.add_rows("label_not_a_number", name, bad, lambda row: law.format(column.text(row)), np.zeros(len(bad)))
    elif pair is not None:
        law = f"The label must be {pair[0]!r} or {pair[1]!r}, as in the first file, but it is {{!r}}. Correct it or drop the row."
        bad = column.rows_where(~np.isin(column.texts.to_numpy(zero_copy_only=False), pair))
        notes.add_rows("label_not_binary", name, bad, lambda row: law.format(column.text(row)), np.zeros(len(bad)))
