"""Requests and responses about items whose fields are put."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import FailFast, Field

from ihas.config.base import Config
from ihas_service.storage.contexts import MAX_USER

MAX_ITEMS = 1_000
MAX_TOLD = 100
"""Most new items, and items with unknown values, that an answer names."""
ItemFieldValues = Annotated[dict[str, Any], Field(max_length=1_000)]


class ItemPut(Config):
    """What counts of an item."""

    fields: ItemFieldValues
    """Values of item fields, in the place of those of the model's item table and of all that was put before. `null` is a missing value."""


class NamedItem(ItemPut):
    """An item."""

    item: Annotated[str, Field(min_length=1, max_length=MAX_USER)]
    """The item's id."""


class ItemsPut(Config):
    """Many items."""

    items: Annotated[tuple[NamedItem, ...], Field(min_length=1, max_length=MAX_ITEMS), FailFast()]
    """Each once."""


class UnknownFieldValue(Config):
    """A value that the model does not know: it counts as unknown."""

    field: str
    """The field."""
    value: Any
    """As it was put."""


class ItemPublic(Config):
    """An item."""

    item: str
    """The item."""
    fields: dict[str, Any]
    """What was put; empty where nothing was."""
    values: dict[str, str | tuple[str, ...]]
    """What counts now of all its fields in the version that serves; missing ones are left out."""
    new: bool
    """Whether the item table of the version that serves does not hold the item: its id is unknown to the model, and its fields count."""
    unknown_values: tuple[UnknownFieldValue, ...]
    """Values that were put and that the version that serves does not know."""
    left_out: tuple[str, ...]
    """Fields that were put and that this version does not have, or that cannot have such a value in it."""


class ItemsPublic(Config):
    """Items whose fields were put."""

    items: int
    """How many the model has."""
    bytes: int
    """That they take, about; `IHAS_MAX_ITEM_FIELD_BYTES_PER_TENANT` limits those of all models of a tenant."""


class UnknownOfItem(UnknownFieldValue):
    """A value that the model does not know."""

    item: str
    """Of this item."""


class ItemsChanged(ItemsPublic):
    """What became of many items."""

    new: tuple[str, ...]
    """Items that the item table of the version that serves does not hold; the first 100."""
    unknown_values: tuple[UnknownOfItem, ...]
    """Values that the version that serves does not know; the first 100."""


class ItemDeleted(Config):
    """What was forgotten."""

    deleted: str
    """The item, behind the model; the model alone where several went."""
    items: int
    """How many items went; the values of the model's item table count again."""
