"""Rows of a table as a model reads them, and its answers as columns beside those of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from ihas.data.readers import column_in_one_form
from ihas.errors import DataError, RequestError
from ihas.extensions.suggest import did_you_mean
from ihas.findings import Finding
from ihas.serving.answers import RecommendedItem, RecommendRequest, Scored, UnknownValue
from ihas.serving.next_item.recommender import SCHEMA as NEXT_ITEM
from ihas.serving.protocol import Recommender, predicts_numbers, several_labels

ROW_POINTER = re.compile(r"^/rows/(\d+)")
SCORE_COLUMNS = {"score": pa.float64(), "logit": pa.float64(), "group": pa.int32(), "unknown_values": pa.string()}
VALUE_COLUMN = {"value": pa.float64()}
"""Of models whose label is a number: the one expected."""
SCORE_OF = "score_"
"""Begins the columns of models of several labels, one with the probability of each."""
ITEM_COLUMNS = {"row": pa.int64(), "rank": pa.int32(), "item": pa.string(), "score": pa.float64(), "group": pa.int32()}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Answering:
    """How a table's rows are answered.

    Attributes:
        recommender: the model.
        columns: types of the columns that are added.
        fields: columns that the model reads; None for all of them.
        answer: from rows, and the number of the first one, to the places of the rows that are kept, and values of the added columns.
    """

    recommender: Recommender
    columns: Mapping[str, Any]
    fields: frozenset[str] | None
    answer: Callable[[Rows, int], tuple[list[int], dict[str, list[Any]]]]

    def check_columns(self, names: Sequence[str]) -> None:
        """Check that a table has a column for the model, and none that an answer has.

        Raises:
            DataError: it has not.
        """
        if self.fields is not None and not self.fields & set(names):
            wanted = ", ".join(sorted(self.fields))
            hints = next((hint for name in names if (hint := did_you_mean(name, sorted(self.fields)))), "")
            raise DataError(f"Rows must have fields of the model, {wanted}, but there is none among {', '.join(names[:20])}.{hints}")
        both = [name for name in names if name in self.columns]
        if both:
            law = f"The columns {', '.join(self.columns)} are those of the answers, but the rows have {', '.join(both)} too. Rename them."
            raise DataError(law, [Finding(code="taken_column", severity="error", message=law, column=both[0])])

    def rows_of(self, table: pa.Table) -> Rows:
        """The rows as the model reads them: canonical texts of its fields.

        Raises:
            DataError: a field's cells are no values.
        """
        cells: dict[str, list[Any]] = {}
        for name in (name for name in table.column_names if self.fields is None or name in self.fields):
            cells[name] = in_one_form(table.column(name), name).to_pylist()
        if not cells:
            return [{} for _ in range(table.num_rows)]
        return [dict(zip(cells, values, strict=True)) for values in zip(*cells.values(), strict=True)]

    def answered(self, table: pa.Table, first: int) -> pa.Table:
        """The table with its answers; `first` is the number of its first row, from 1.

        Raises:
            RequestError: a row cannot be answered; says which.
        """
        places, values = self.answer(self.rows_of(table), first)
        kept = table.take(pa.array(places, pa.int64()))
        for name, kind in self.columns.items():
            kept = kept.append_column(name, pa.array(values[name], kind))
        return kept


def in_one_form(column: Any, name: str) -> Any:
    """Cells as canonical texts, or lists of them; DataError where they are no values."""
    try:
        return column_in_one_form(column)
    except (TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        law = f"Cells must be texts, numbers, booleans, times, or lists of them, but `{name}` holds {column.type}."
        raise DataError(law, [Finding(code="unsupported_type", severity="error", message=law, column=name)]) from error


def scoring(recommender: Recommender) -> Answering:
    """Each row with the probability of a click, its log-odds, the group, and the values that the model does not know; with the number
    expected where the label is one."""
    numbers, more = predicts_numbers(recommender), _score_columns(recommender)

    def answer(rows: Rows, first: int) -> tuple[list[int], dict[str, list[Any]]]:
        found = scored(recommender, rows, first)
        columns: dict[str, list[Any]] = {
            "score": [one.score for one in found],
            "logit": [one.logit for one in found],
            "group": [one.group for one in found],
        }
        columns |= {"value": [one.value for one in found]} if numbers else {}
        columns |= {column: [_score(one, label) for one in found] for column, label in more.items()}
        return list(range(len(rows))), {**columns, "unknown_values": [unknown_text(one.unknown_values) for one in found]}

    kinds = SCORE_COLUMNS | (VALUE_COLUMN if numbers else {}) | dict.fromkeys(more, pa.float64())
    return Answering(recommender, kinds, fields_of(recommender), answer)


def recommending(recommender: Recommender, request: RecommendRequest) -> Answering:
    """Each row's context with the best items for it, a row each; rows without any answer are left out."""
    more = _score_columns(recommender)
    kinds = ITEM_COLUMNS | (VALUE_COLUMN if predicts_numbers(recommender) else {}) | dict.fromkeys(more, pa.float64())

    def answer(rows: Rows, first: int) -> tuple[list[int], dict[str, list[Any]]]:
        places: list[int] = []
        values: dict[str, list[Any]] = {name: [] for name in kinds}
        for place, row in enumerate(rows):
            context = {name: cell for name, cell in row.items() if cell is not None}
            try:
                items = recommender.recommend(msgspec.structs.replace(request, context=context)).items
            except RequestError as error:
                raise RequestError(f"Row {first + place}: {error}", error.pointer) from error
            for item in items:
                places.append(place)
                cells = (first + place, item.rank, item.id, item.score, item.group, *([] if more else [item.value]))
                for name, value in zip(kinds, (*cells, *(_score(item, label) for label in more.values())), strict=False):
                    values[name].append(value)
        return places, values

    return Answering(recommender, kinds, fields_of(recommender, context_only=True), answer)


def _score_columns(recommender: Recommender) -> dict[str, str]:
    """Column of the probability of each of several labels, and the label."""
    return {f"{SCORE_OF}{label}": label for label in several_labels(recommender)}


def _score(answer: Scored | RecommendedItem, label: str) -> float | None:
    return answer.scores[label] if isinstance(answer.scores, dict) else None


def scored(recommender: Recommender, rows: Rows, first: int, explain: bool = False) -> list[Scored]:
    """Scores of rows; `first` is the number of the first one.

    Raises:
        RequestError: a row cannot be scored; says which.
    """
    try:
        return recommender.score(rows, explain)
    except RequestError as error:
        place = ROW_POINTER.match(error.pointer or "")
        if place is None:
            raise
        raise RequestError(f"Row {first + int(place.group(1))}: {error}", error.pointer) from error


def fields_of(recommender: Recommender, context_only: bool = False) -> frozenset[str] | None:
    """Names that a row may state; None where only the recommender knows."""
    table = recommender.table
    schema = table.schema if table is not None else NEXT_ITEM if recommender.cold_start is not None else None
    if schema is None:
        return None
    names = {field.name for field in (*schema.fields, *schema.stated_fields) if not context_only or field.role == "context"}
    return frozenset(names if context_only else names | {*schema.stated_names})


def unknown_text(values: Sequence[UnknownValue]) -> str | None:
    """Values that the model does not know, as one text; None where there are none."""
    return "; ".join(f"{one.field} = {one.value}" for one in values) or None
