"""What each column of a table is: its kind, and its role in a request."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field as PydanticField
from pydantic import model_validator

from ihas.config.base import Config
from ihas.config.columns import Buckets
from ihas.config.data import TimePart, TimestampColumn
from ihas.config.negatives import NegativesConfig
from ihas.config.tasks import MAX_EXPONENT, TaskColumn

FieldKind = Literal["categorical", "numeric", "multivalued", "text", "vector"]
FieldRole = Literal["context", "item"]
Kept = Literal["first", "last"]


class Field(Config):
    """One input of the model."""

    name: str
    """Column name."""
    kind: FieldKind
    """How cells become ids."""
    role: FieldRole = "context"
    """Whether the request states the value (context) or the item table does (item)."""
    separator: str | None = None
    """For a multi-valued field: the text between two values of a cell."""
    keep: Kept = PydanticField(default="first", exclude_if=lambda keep: keep == "first")
    """For a multi-valued field: which values stay of a cell that has too many; `last` of a history, whose newest values come last."""
    missing: tuple[str, ...] = PydanticField(default=(), exclude_if=lambda missing: not missing)
    """Texts that say that a cell is missing."""
    buckets: Buckets | None = PydanticField(default=None, exclude_if=lambda buckets: buckets is None)
    """Of a text, buckets of its words; of a categorical field that is hashed, of its values; else None."""
    max_words: int | None = PydanticField(default=None, exclude_if=lambda words: words is None)
    """Of a text: how many different words are read at most."""
    dim: int | None = PydanticField(default=None, exclude_if=lambda dim: dim is None)
    """Of a vector: how many numbers it has."""


class Timestamp(Config):
    """A column of dates or times, of which each part is a categorical field."""

    name: str
    """Column name."""
    parts: tuple[TimePart, ...]
    """Parts that are fields."""
    zone: str = "UTC"
    """Time zone in which parts are told, and in which times without a zone of their own are."""
    missing: tuple[str, ...] = PydanticField(default=(), exclude_if=lambda missing: not missing)
    """Texts that say that a cell is missing."""
    days_since: tuple[str, ...] = PydanticField(default=(), exclude_if=lambda columns: not columns)
    """Other timestamps; the days between are numeric fields."""

    @cached_property
    def fields(self) -> dict[str, str]:
        """Name of the field of each part, and of the days since each other column: that of this column, a point, and what it is."""
        days = {f"days since `{other}`": name for other, name in self.differences.items()}
        return {part: part_name(self.name, part) for part in self.parts} | days

    @cached_property
    def differences(self) -> dict[str, str]:
        """Name of the field of the days since each other column."""
        return {other: part_name(self.name, f"days_since.{other}") for other in self.days_since}

    @property
    def stated(self) -> TimestampColumn:
        """The setting under which the column is read alike."""
        return TimestampColumn(parts=self.parts, zone=self.zone, days_since=self.days_since)


def part_name(column: str, part: str) -> str:
    """Name of the field of a timestamp's part."""
    return f"{column}.{part}"


class Schema(Config):
    """All columns of a table, each with one purpose."""

    label: str
    """Column of clicks, 0 or 1, or what `positive` says; of numbers where there is a `label_range`."""
    positive: str | tuple[str, ...] | None = PydanticField(default=None, exclude_if=lambda positive: positive is None)
    """Which cells of the label are clicks (`ihas.config.label_rule`); None where they are 1 and true."""
    label_range: Literal["training"] | tuple[float, float] | None = PydanticField(default=None, exclude_if=lambda found: found is None)
    """Least and largest number of the label, which is a number then; `training` until training rows have said it."""
    tasks: dict[str, TaskColumn] = PydanticField(default={}, exclude_if=lambda tasks: not tasks)
    """Columns of further labels, each 0, 1 or missing, in the order of the models' output units behind that of the label."""
    exponent: float = PydanticField(default=1.0, ge=0.0, le=MAX_EXPONENT, exclude_if=lambda exponent: exponent == 1.0)
    """Exponent of the label's probability in the score that rows are ranked by, where there are `tasks`."""
    unlabelled: Literal["refuse", "drop"] = PydanticField(default="refuse", exclude_if=lambda unlabelled: unlabelled == "refuse")
    """Whether rows without a label are dropped."""
    negatives: NegativesConfig | None = PydanticField(default=None, exclude_if=lambda negatives: negatives is None)
    """How negatives are drawn; None where the label has both classes."""
    negatives_kept: float = PydanticField(default=1.0, gt=0.0, le=1.0, exclude_if=lambda kept: kept == 1.0)
    """Share of the rows without a click that are in the table."""
    weight: str | None = PydanticField(default=None, exclude_if=lambda name: name is None)
    """Column by which rows count in training."""
    fields: tuple[Field, ...]
    """Inputs of the model, in the order of the id matrix."""
    item_id: str | None = None
    """Field whose value names the item."""
    user_id: str | None = PydanticField(default=None, exclude_if=lambda name: name is None)
    """Field of the context whose value names the user."""
    user: tuple[str, ...] = PydanticField(default=(), exclude_if=lambda names: not names)
    """Fields of the context that describe the user."""
    display: tuple[str, ...] = PydanticField(default=(), exclude_if=lambda names: not names)
    """Columns that describe the item and that no model sees."""
    time: str | None = None
    """Column that orders the rows."""
    ignored: tuple[str, ...] = ()
    """Columns that no model sees."""
    timestamps: tuple[Timestamp, ...] = PydanticField(default=(), exclude_if=lambda timestamps: not timestamps)
    """Columns of which parts are fields; a row states the column, or the parts."""

    @model_validator(mode="after")
    def _names_are_consistent(self) -> Self:
        names = [field.name for field in self.fields]
        labels = (self.label, *self.tasks)
        if len(set(names)) != len(names) or set(labels) & set(names) or self.label in self.tasks:
            raise ValueError(f"Fields must have different names, none of them a label's, but got {names} with {', '.join(labels)}.")
        if self.item_id is not None and self.item_id not in [field.name for field in self.fields if field.role == "item"]:
            raise ValueError(f"`item_id` must name a field with the role item, but got {self.item_id!r}.")
        if lacking := [name for one in self.timestamps for name in one.fields.values() if name not in names]:
            raise ValueError(f"Parts of timestamps must be fields, but {lacking} are not among {names}.")
        context = [field.name for field in self.fields if field.role == "context"]
        for name in (*self.user, *(() if self.user_id is None else (self.user_id,))):
            if name not in context:
                raise ValueError(f"`user_id` and `user` must name fields with the role context, but got {name!r}.")
        return self

    @property
    def numbers(self) -> tuple[float, float] | None:
        """Least and largest number of a label that is a number; None where labels are clicks, or this is still to be said."""
        return None if isinstance(self.label_range, str) else self.label_range

    @property
    def exponents(self) -> dict[str, float]:
        """Exponent of each label's probability in the score that rows are ranked by, the label first; empty without `tasks`."""
        return {self.label: self.exponent, **{name: task.exponent for name, task in self.tasks.items()}} if self.tasks else {}

    @property
    def stated_names(self) -> tuple[str, ...]:
        """What a row states: the fields, with the column of a timestamp in the place of its parts."""
        column_of = {name: one.name for one in self.timestamps for name in one.fields.values()}
        return tuple(dict.fromkeys(column_of.get(field.name, field.name) for field in self.fields))

    @property
    def stated_fields(self) -> tuple[Field, ...]:
        """The fields, with the column of a timestamp of the context, one value of any text, in the place of its parts."""
        of_context = {field.name for field in self.fields if field.role == "context"}
        stamps = [one for one in self.timestamps if set(one.fields.values()) <= of_context]
        parts = {name for one in stamps for name in one.fields.values()}
        columns = (Field(name=one.name, kind="categorical", missing=one.missing) for one in stamps)
        return (*(field for field in self.fields if field.name not in parts), *columns)


def sized_columns(fields: Iterable[Field]) -> dict[str, Any]:
    """The settings `text`, `hash_buckets` and `vectors` of fields, which leave nothing to be inferred."""
    fields = tuple(fields)
    hashed = [field for field in fields if field.buckets is not None]
    text = {field.name: {"vocabulary": field.buckets, "max_words": field.max_words} for field in hashed if field.kind == "text"}
    return {"text": text, "hash_buckets": {field.name: field.buckets for field in hashed if field.kind != "text"}} | {
        "vectors": {field.name: {"dim": field.dim} for field in fields if field.kind == "vector"}
    }
