"""Item fields that change after a table was read: what is put of an item becomes a row of the item table, as if the table had said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ihas.data.ages import ages_of
from ihas.data.cells import Cell, cell_text
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import UNKNOWN, FieldEncoder, MultivaluedEncoder, VectorEncoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Schema
from ihas.errors import RequestError
from ihas.extensions.suggest import did_you_mean

Texts = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ItemChange:
    """What was put of an item, as a model reads it.

    Attributes:
        ids: int32 (slots of the item fields,). The item's row of the table.
        texts: canonical texts of each field that was put; none where it is missing.
        unknown: fields that were put, and the values that the model does not know.
    """

    ids: np.ndarray
    texts: Mapping[str, Texts]
    unknown: tuple[tuple[str, Any], ...]


class ItemReader:
    """Reads what is put of items."""

    def __init__(self, encoder: Encoder, schema: Schema, items: ItemTable) -> None:
        """
        Args:
            encoder: of the item table's ids.
            schema: names the item id and columns that are displayed.
            items: what is known of the items.
        """
        self._encoder, self._items = encoder, items
        self._item_id, self._names = str(schema.item_id), encoder.names_of("item")
        self._fields = {field.name: field for field in encoder.fields if field.role == "item"}
        ends = np.cumsum([field.slots for field in self._fields.values()]).tolist()
        self._slots = {name: slice(end - field.slots, end) for end, (name, field) in zip(ends, self._fields.items(), strict=True)}
        self._first = dict(zip(encoder.layout.names, encoder.layout.first_rows.tolist(), strict=True))
        known = items.values or {}
        self._display = {name: name in known and known[name].multivalued for name in schema.display}
        stamps = [one.name for one in encoder.timestamps if set(one.fields.values()) <= set(self._names)]
        self._times = {age.item.name for age in ages_of(encoder.fields, encoder.timestamps)}
        self.accepted = tuple(name for name in dict.fromkeys((*self._names, *stamps, *self._display)) if name != self._item_id)
        """Fields that may be put."""

    def read(self, item: str, place: int | None, fields: Mapping[str, Any], pointer: str) -> ItemChange:
        """What is put of an item.

        Args:
            item: its id.
            place: its row of the item table; None of an item that the table does not hold, of which nothing else is known then.
            fields: values of fields in the place of those of the table. `null` is a missing value.
            pointer: JSON pointer of `fields` in the request.

        Raises:
            RequestError: a name that is none of `accepted`, or a value of the wrong type.
        """
        for name in fields:
            if name not in self.accepted:
                self._refuse(name, pointer)
        stated = {name: cell for name, cell in fields.items() if name not in self._display}
        cells = self._encoder.with_parts(stated, self._names, pointer)
        ids = self._row(item) if place is None else self._items.ids[place].copy()
        unknown: list[tuple[str, Any]] = []
        for name, cell in cells.items():
            ids[self._slots[name]] = found = self._encoder.encode_row({name: cell}, (name,), pointer)
            if (found == self._first[name] + UNKNOWN).any():
                unknown.append((name, cell))
        texts = {name: _texts(self._fields[name], cell) for name, cell in cells.items()}
        texts |= {name: _moment_text(fields[name]) for name in self._times if name in fields}
        texts |= {name: _shown(name, fields[name], self._display[name], pointer) for name in fields if name in self._display}
        return ItemChange(ids, texts, tuple(unknown))

    def _row(self, item: str) -> np.ndarray:
        """Of an item of which its id alone is known, and that to be unknown."""
        return self._encoder.encode_row({self._item_id: item}, self._names)

    def _refuse(self, name: str, pointer: str) -> None:
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name == self._item_id:
            raise RequestError(f"`fields` must not hold `{name}`, which names the item. Leave it out.", place)
        hint = did_you_mean(name, self.accepted) or f" There are {', '.join(self.accepted) or 'none'}."
        raise RequestError(f"`{name[:80]}` is no field of items.{hint}", place)


def changed_items(items: ItemTable, places: np.ndarray, changes: Sequence[ItemChange], new: Sequence[str]) -> ItemTable:
    """The item table with other rows.

    Args:
        items: what the table said.
        places: int64 (n,). Row of each change, each once; those of new items follow the table's, in their order.
        changes: what each of them becomes.
        new: items that the table does not hold; no training row shows them.
    """
    ids = np.concatenate([items.ids, np.zeros((len(new), items.ids.shape[1]), np.int32)])
    if len(changes):
        ids[places] = np.stack([change.ids for change in changes])
    values = items.values
    if values is not None:
        said = {name: [change.texts.get(name) for change in changes] for name in values}
        values = {name: _overlaid(field, len(ids), places, said[name]) for name, field in values.items()}
    popularity = np.concatenate([items.popularity, np.zeros(len(new), np.int32)])
    return replace(items, names=(*items.names, *new) if new else items.names, ids=ids, popularity=popularity, values=values)


def _overlaid(values: FieldValues, count: int, places: np.ndarray, said: Sequence[Texts | None]) -> FieldValues:
    """A field of `count` items, some of which say something else: places int64 (n,), None where a change does not speak of the field."""
    put = [number for number, texts in enumerate(said) if texts is not None]
    if not put and count == values.num_items:
        return values
    own = [said[number] or () for number in put]
    wanted = dict.fromkeys(text for texts in own for text in texts)
    code_of = {text: code for code, text in enumerate(values.texts) if text in wanted}
    added = [text for text in wanted if text not in code_of]
    code_of |= {text: code for code, text in enumerate(added, start=len(values.texts))}
    codes = np.array([code_of[text] for texts in own for text in texts], np.int32)
    ends = values.offsets[-1] + np.cumsum([len(texts) for texts in own], dtype=np.int64)
    both = FieldValues(
        (*values.texts, *added), np.concatenate([values.offsets, ends]), np.concatenate([values.codes, codes]), values.multivalued
    )
    rows = np.append(np.arange(values.num_items), np.full(count - values.num_items, -1))
    rows[places[put]] = values.num_items + np.arange(len(put))
    return both.take(rows)


def _texts(field: FieldEncoder, cell: Cell) -> Texts:
    """What the table would say of a cell that was encoded."""
    parts: Any = cell if isinstance(cell, list | tuple) else (cell,)
    if field.kind == "multivalued" and isinstance(cell, str) and field.separator is not None:
        parts = cell.split(field.separator)
    spelled = () if isinstance(field, MultivaluedEncoder | VectorEncoder) else field.missing
    return tuple(text for text in map(cell_text, parts) if text is not None and text not in spelled)


def _moment_text(cell: Cell) -> Texts:
    """What the table would say of a time of the item, which was read."""
    text = cell_text(cell) if cell is None or isinstance(cell, str | int | float) else None
    return () if text is None else (text,)


def _shown(name: str, cell: Any, several: bool, pointer: str) -> Texts:
    """What is displayed of a cell that no model sees."""
    parts = cell if several and isinstance(cell, list | tuple) else (cell,)
    for part in parts:
        if not (part is None or isinstance(part, str | bool | int | float)):
            wanted = "one value, or several in a list," if several else "one value"
            raise RequestError(f"`{name}` must be {wanted} but got {repr(cell)[:80]}.", f"{pointer}/{name}")
    return tuple(text for text in map(cell_text, parts) if text is not None)
