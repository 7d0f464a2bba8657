"""Further labels beside the first one, each 0, 1 or missing: what a model with several tasks learns from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ihas.config.label_rule import LabelRule
from ihas.config.tasks import TaskColumn
from ihas.data.columns import Column, clicked_texts, is_list, numbers, text_column
from ihas.data.findings import MAX_ROWS_ALIKE, FindingCollector
from ihas.data.inference import LABEL_TEXTS
from ihas.data.label_guess import proposed_rule, told_values
from ihas.data.labels import positives
from ihas.data.schema import Schema
from ihas.data.splits import PartName
from ihas.errors import DataError


def task_labels(table: pa.Table, schema: Schema) -> np.ndarray:
    """Labels of the tasks, in the order of the schema: float32 (rows, tasks), NaN where a cell is missing.

    Raises:
        DataError: a cell that is no label, or a task with one class.
    """
    findings = FindingCollector()
    find_task_faults(table, schema, findings)
    findings.raise_errors("Labels cannot be read")
    found = np.empty((table.num_rows, len(schema.tasks)), np.float32)
    for place, (name, task) in enumerate(schema.tasks.items()):
        column = text_column(table, name)
        found[:, place] = np.append(_ones(column, task).astype(np.float32), np.float32("nan"))[column.codes]
    return found


def find_task_faults(table: pa.Table, schema: Schema, findings: FindingCollector) -> None:
    """Errors of cells that are no label, and of tasks with one class; a warning says how many cells are missing."""
    for name, task in schema.tasks.items():
        if is_list(table, name):
            findings.add("label_is_list", "The label must be one value per row, but the column holds lists.", column=name)
            continue
        column = text_column(table, name)
        bad = column.rows_where(~_judged(column, task))
        _add_unjudged(column, name, task, bad, findings)
        ones, known = int(column.counts[_ones(column, task)].sum()), int(column.counts.sum())
        if not len(bad) and ones in (0, known):
            law = f"Labels of both classes must occur, but `{name}` holds {told_values(column) or 'none'}: there is nothing to learn."
            findings.add("one_label_class", f"{law} Take it out of `tasks`, or state another `positive`.", column=name)
        elif known < table.num_rows:
            law = f"{table.num_rows - known:,} rows have no label here: they are learnt from for the other labels."
            findings.add("task_missing", law, column=name, severity="warning")


def _add_unjudged(column: Column, name: str, task: TaskColumn, bad: np.ndarray, findings: FindingCollector) -> None:
    code = "label_not_binary" if task.positive is None else "label_not_a_number"
    wanted = "0 or 1, true or false, or missing" if task.positive is None else "a number or missing, as its `positive` says"
    if len(bad) > MAX_ROWS_ALIKE:
        law = f"The label must be {wanted}, but in {len(bad):,} rows it is not: the column holds {told_values(column)}."
        way = f"Say what counts as a 1, for example `positive = {proposed_rule(column)!r}`, or take it out of `tasks`."
        findings.add(code, f"{law} {way}", row=int(bad[0]) + 1, column=name)
        return
    law = f"The label must be {wanted}, but it is {{!r}}. Correct it, or leave it empty."
    findings.add_rows(code, name, bad, lambda row: law.format(column.text(row)))


def _ones(column: Column, task: TaskColumn) -> np.ndarray:
    """Which texts are a 1: bool (texts,)."""
    return clicked_texts(column) if task.positive is None else positives(LabelRule.parse(task.positive), column.texts)


def _judged(column: Column, task: TaskColumn) -> np.ndarray:
    """Which texts are a label: bool (texts,)."""
    if task.positive is None:
        return np.isin(column.texts.to_numpy(zero_copy_only=False), LABEL_TEXTS)
    return ~np.isnan(numbers(column.texts)) if LabelRule.parse(task.positive).comparison else np.ones(len(column.texts), bool)


def split_tasks(tables: Mapping[PartName, pa.Table], schema: Schema, rows: Mapping[PartName, np.ndarray]) -> dict[PartName, np.ndarray]:
    """Labels of the tasks of each part, float32 (rows of the part, tasks); nothing without tasks.

    Args:
        tables: tables that were read: the main one, `train`, and those of parts that have a file of their own.
        schema: what the columns are.
        rows: int64 (rows of the part,).

    Raises:
        DataError: as `task_labels`, or the training rows have one class of a task.
    """
    if not schema.tasks:
        return {}
    of_table = {name: task_labels(table, schema) for name, table in tables.items()}
    found = {part: of_table.get(part, of_table["train"])[of_part] for part, of_part in rows.items()}
    for name, labels in zip(schema.tasks, found["train"].T, strict=True):
        if np.nanmin(labels, initial=np.inf) == np.nanmax(labels, initial=-np.inf) or np.isnan(labels).all():
            law = f"Training rows must have labels of both classes of `{name}`, but have not. Provide more rows, or change `split`."
            raise DataError(law)
    return found
