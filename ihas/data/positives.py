"""What is told of a table of positives, for which negatives are drawn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.config.negatives import NegativesConfig
from ihas.data.columns import clicked_texts, is_list, text_column
from ihas.data.findings import FindingCollector
from ihas.data.schema import Schema


def find_negatives(table: pa.Table, schema: Schema, settings: NegativesConfig, findings: FindingCollector) -> None:
    """Errors of rows that name no user or no item; warnings about what AUC means, and about rows that the label says no of.

    Args:
        table: a table that was read.
        schema: with a user id and an item id.
        settings: how negatives are drawn.
        findings: takes them.
    """
    pairs = {"user": str(schema.user_id), "item": str(schema.item_id)}
    for what, name in pairs.items():
        missing = np.flatnonzero(text_column(table, name).codes < 0)
        law = f"A row must name its {what} where negatives are drawn, but here it is missing. Fill it in or drop the row."
        findings.add_rows(f"{what}_missing", name, missing, lambda _, law=law: law, np.zeros(len(missing)))  # type: ignore[misc]
    users, items = (int((text_column(table, name).counts > 0).sum()) for name in pairs.values())
    findings.add("drawn_negatives", meaning_of_auc(settings, users, items), severity="warning")
    if not is_list(table, schema.label):
        column = text_column(table, schema.label)
        dropped = int(column.counts[~clicked_texts(column)].sum())
        if dropped:
            law = f"{dropped:,} rows that the label says no of are left out, for negatives are drawn."
            findings.add("rows_dropped", law, column=schema.label, severity="warning")


def meaning_of_auc(settings: NegativesConfig, users: int, items: int) -> str:
    """What is to be known of metrics on drawn rows, for a person."""
    how = "each alike" if settings.draw == "uniform" else "in proportion to their rows"
    drawn = f"for each row {settings.per_positive} items are drawn that the user did not take, {how}"
    auc = "AUC says how well items taken are told from items drawn, not from items seen and passed over: compare it under the same draw"
    return f"The table has {users:,} users and {items:,} items, and {drawn}. {auc}. Scores are no rates of clicks."
