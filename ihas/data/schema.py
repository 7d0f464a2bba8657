"""What each column of a table is: its kind, and its role in a request."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field as PydanticField
from pydantic import model_validator

from ihas.config.base import Config

FieldKind = Literal["categorical", "numeric", "multivalued"]
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


class Schema(Config):
    """All columns of a table, each with one purpose."""

    label: str
    """Column of clicks, 0 or 1, or what `positive` says."""
    positive: str | tuple[str, ...] | None = PydanticField(default=None, exclude_if=lambda positive: positive is None)
    """Which cells of the label are clicks (`ihas.config.label_rule`); None where they are 1 and true."""
    fields: tuple[Field, ...]
    """Inputs of the model, in the order of the id matrix."""
    item_id: str | None = None
    """Field whose value names the item."""
    time: str | None = None
    """Column that orders the rows."""
    ignored: tuple[str, ...] = ()
    """Columns that no model sees."""

    @model_validator(mode="after")
    def _names_are_consistent(self) -> Self:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names) or self.label in names:
            raise ValueError(f"Fields must have different names, none of them the label's, but got {names} with label {self.label!r}.")
        if self.item_id is not None and self.item_id not in [field.name for field in self.fields if field.role == "item"]:
            raise ValueError(f"`item_id` must name a field with the role item, but got {self.item_id!r}.")
        return self
