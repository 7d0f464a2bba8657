"""Rows of what was shown, in the columns of the table that a model learnt from, so that the same settings read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from ihas.config.data import InteractionColumns, SchemaConfig
from ihas.data.cells import cell_number, cell_text
from ihas.data.moments import local_time
from ihas.data.schema import Field, sized_columns
from ihas.serving.capabilities import RowModel
from ihas.serving.next_item.recommender import ITEM, SCHEMA, USER
from ihas_service.storage.contexts import read_context
from ihas_service.storage.plain_text import plain_text
from ihas_service.storage.shown_rows import Placed, ShownRow

ColumnKind = Literal["text", "texts", "number", "integer", "truth"]
PLACED: Mapping[str, ColumnKind] = {
    "recommendation_id": "text", "rank": "integer", "score": "number", "propensity": "number", "version": "integer", "group": "integer",
    "canary": "truth", "explored": "truth",
}  # fmt: skip
"""Columns that say where and by what an item was shown, as `Placed` has them; null for events without an answer."""


KNOWN_CONTEXTS, KNOWN_ITEMS = 64, 10_000
"""Contexts and items whose cells are remembered: rows of an answer have one context, and most rows are of few items."""


@dataclass(frozen=True)
class Column:
    """A column of the rows."""

    name: str
    kind: ColumnKind


class EventRows:
    """Rows of one model."""

    def __init__(self, model: RowModel, details: bool = False) -> None:
        """
        Args:
            model: says what its fields are called, and what the fields of items say.
            details: whether rows say where and by what an item was shown.
        """
        self.schema, self._model, self._described = model.schema, model, model.described_items
        self._fields = self.schema.stated_fields
        names = {field.name for field in self._fields} | {self.schema.label}
        self.time = self.schema.time if self.schema.time is not None and self.schema.time not in names else _free("at", names)
        names |= {self.time, *self.schema.ignored, *self.schema.display}
        self._display = [self._displayed(name) for name in self.schema.display]
        self._of_context, self._of_item = lru_cache(KNOWN_CONTEXTS)(self._read_context), lru_cache(KNOWN_ITEMS)(self._read_item)
        self._details = {_free(name, names): kind for name, kind in PLACED.items()} if details else {}

    @property
    def of_interactions(self) -> bool:
        """Whether the model learns from what people took, and not from clicks and passed-over items."""
        return self.schema == SCHEMA

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns: label, fields, time, those that the model's table has and no model sees, and where the item was shown."""
        found: dict[str, ColumnKind] = {self.schema.label: "integer"}
        found |= {field.name: _kind(field) for field in self._fields} | {self.time: "number"}
        found |= {field.name: _kind(field) for field in self._display}
        found |= {name: "text" for name in self.schema.ignored if name not in found}
        return tuple(Column(name, kind) for name, kind in (found | self._details).items())

    def reading(self, form: str) -> dict[str, Any]:
        """How a data set of these rows is read: as the model's own, with nothing left to be inferred."""
        if self.of_interactions:
            return {"format": form, "interactions": InteractionColumns(user=USER, item=ITEM, time=self.time).model_dump(mode="json")}
        fields, stated = self._fields, {field.name for field in self._fields}
        stamps = {one.name: one.stated for one in self.schema.timestamps if one.name in stated}
        columns = SchemaConfig(
            label=self.schema.label,
            categorical=tuple(
                field.name for field in fields if field.kind == "categorical" and field.buckets is None and field.name not in stamps
            ),
            **sized_columns(fields),
            timestamps=stamps,
            numeric=tuple(field.name for field in fields if field.kind == "numeric"),
            multivalued={field.name: field.separator for field in fields if field.separator is not None},
            histories=tuple(field.name for field in fields if field.keep == "last"),
            ignored=(*self.schema.ignored, *self._details),
            item=tuple(field.name for field in fields if field.role == "item"),
            item_id=self.schema.item_id,
            user_id=self.schema.user_id,
            user=self.schema.user,
            display=self.schema.display,
            time=self.schema.time or self.time,
        )
        return {"format": form, "columns": columns.model_dump(mode="json")}

    def trained_on(self, rows: Iterator[ShownRow]) -> Iterator[ShownRow]:
        """The rows that a data set of the model holds: all, or what known people took."""
        if not self.of_interactions:
            return rows
        return (row for row in rows if row.positive and _text(read_context(row.context).get(USER)) is not None)

    def row(self, shown: ShownRow) -> dict[str, Any]:
        """The cells of a row, by column; None where one is missing."""
        cells = {self.schema.label: int(shown.positive), self.time: round(shown.at, 3)}
        cells |= self._of_context(shown.context) | self._of_item(shown.item_id)
        cells |= dict(zip(self._details, _placed(shown.placed), strict=False))
        return {column.name: cells.get(column.name) for column in self.columns}

    def _read_context(self, context: str) -> dict[str, Any]:
        stated = self._model.completed(read_context(context))
        cells = {field.name: _cell(field, stated.get(field.name)) for field in self._fields if field.role == "context"}
        for one in self.schema.timestamps:
            if (text := cells.get(one.name)) is not None and local_time(text, one.zone) is None:
                cells[one.name] = None
        return cells

    def _read_item(self, item: str) -> dict[str, Any]:
        position = self._positions.get(item)
        found: dict[str, Any] = {}
        if position is not None:
            of_item = [*(field for field in self._fields if field.role == "item"), *self._display]
            found = {field.name: _cell(field, self._said(field, position)) for field in of_item}
        return found if self.schema.item_id is None else {**found, self.schema.item_id: _text(item)}

    def _displayed(self, name: str) -> Field:
        """A column that is only displayed, as a field of the item."""
        values = None if self._described is None else self._described[0].get(name)
        several = values is not None and values.multivalued
        return Field(name=name, kind="multivalued" if several else "categorical", role="item")

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {} if self._described is None else {name: position for position, name in enumerate(self._described[1])}

    def _said(self, field: Field, position: int) -> list[str]:
        """What the item table says of an item."""
        values = None if self._described is None else self._described[0].get(field.name)
        return [] if values is None else [values.texts[code] for code in values.of_item(position)]


def _free(name: str, taken: set[str]) -> str:
    """The name, with `shown_` before it for as long as a column is called like it."""
    while name in taken:
        name = f"shown_{name}"
    taken.add(name)
    return name


def _kind(field: Field) -> ColumnKind:
    if field.kind == "numeric":
        return "number"
    return "texts" if field.kind in ("multivalued", "vector") and field.separator is None else "text"


def _cell(field: Field, value: Any) -> Any:
    """What a column holds of a stated value."""
    texts = [text for text in map(_text, value if isinstance(value, list) else [value]) if text is not None]
    if field.kind not in ("multivalued", "vector"):
        text = texts[0] if texts else None
        return text if field.kind != "numeric" or text is None else cell_number(text)
    if field.separator is None:
        return texts or None
    return field.separator.join(texts) or None


def _text(value: Any) -> str | None:
    text = cell_text(value) if isinstance(value, str | int | float) else None
    return None if text is None else plain_text(text)


def _placed(placed: Placed | None) -> Sequence[Any]:
    return [None] * len(PLACED) if placed is None else placed
