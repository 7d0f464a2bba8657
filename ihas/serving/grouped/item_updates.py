"""Item fields that change without a new model: what is put counts in the place of what the bundle says."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ihas.bundle.values import Bundle
from ihas.data.item_changes import ItemChange, ItemReader, changed_items
from ihas.errors import RequestError
from ihas.serving.answers import UnknownValue
from ihas.serving.capabilities import PutItem
from ihas.serving.filters.item_fields import ItemFields
from ihas.serving.grouped.item_ages import ItemAges
from ihas.serving.grouped.item_overlay import ItemOverlay
from ihas.serving.grouped.shelf import Shelf

MAX_PUT = 1_000
"""Items that are scored beside those that retrieval, or popularity, chooses."""
Fields = Mapping[str, Any]


class ItemUpdates:
    """The items of a bundle, and what was put of them since; see `DescribesItems`.

    Attributes:
        shelf: what serves now.
        revision: of what was put, as whoever puts it counts; None where nothing was ever put.
    """

    def __init__(self, bundle: Bundle, shelf: Shelf) -> None:
        """
        Args:
            bundle: verified bundle with an item table.
            shelf: its items.
        """
        self.shelf = self._base = shelf
        self.revision: int | None = None
        self._encoder, self._item_id = bundle.encoder, str(bundle.schema.item_id)
        self._reader = ItemReader(bundle.encoder, bundle.schema, shelf.catalogue.items)
        self._read: dict[str, tuple[Fields, ItemChange]] = {}
        self._altered: dict[str, ItemChange] = {}
        self._lock = threading.Lock()

    @property
    def item_fields(self) -> tuple[str, ...]:
        """See `DescribesItems.item_fields`."""
        return self._reader.accepted

    def check(self, item: str, fields: Fields, pointer: str) -> PutItem:
        """See `DescribesItems.check`."""
        place = self._base.catalogue.place(item)
        return _told(self._reader.read(item, place, fields, pointer), place)

    def fitting(self, item: str, fields: Fields) -> PutItem:
        """See `DescribesItems.fitting`."""
        change, left_out = self._fitting(item, fields)
        return _told(change, self._base.catalogue.place(item), left_out)

    def shown(self, item: str) -> Fields | None:
        """See `DescribesItems.shown`."""
        shelf = self.shelf
        place = shelf.catalogue.place(item)
        return None if place is None else shelf.fields.shown([name for name in shelf.fields.fields if name != self._item_id])(place)

    def describe(self, fields: Mapping[str, Fields], revision: int | None) -> None:
        """See `DescribesItems.describe`."""
        with self._lock:
            if revision is not None and revision == self.revision:
                return
            read: dict[str, tuple[Fields, ItemChange]] = {}
            for item, stated in fields.items():
                before = self._read.get(item)
                read[item] = before if before is not None and before[0] is stated else (stated, self._fitting(item, stated)[0])
            self.shelf = self._stocked({item: change for item, (_, change) in read.items()})
            self._read, self.revision = read, revision

    def _fitting(self, item: str, fields: Fields) -> tuple[ItemChange, tuple[str, ...]]:
        """What this version can read of an item that was put for another one, maybe, and what it cannot."""
        place = self._base.catalogue.place(item)
        try:
            return self._reader.read(item, place, fields, ""), ()
        except RequestError:
            read = {name: cell for name, cell in fields.items() if self._fits(item, place, name, cell)}
            return self._reader.read(item, place, read, ""), tuple(name for name in fields if name not in read)

    def _fits(self, item: str, place: int | None, name: str, cell: Any) -> bool:
        try:
            self._reader.read(item, place, {name: cell}, "")
        except RequestError:
            return False
        return True

    def _stocked(self, changes: Mapping[str, ItemChange]) -> Shelf:
        """The items with changes."""
        if not changes:
            self._altered = {}
            return self._base
        base, catalogue = self._base.catalogue.items, self._base.catalogue
        known = {item: place for item in changes if (place := catalogue.place(item)) is not None}
        new = sorted(changes.keys() - known.keys())
        place_of = known | {item: len(base.names) + number for number, item in enumerate(new)}
        items = changed_items(base, _places(place_of, changes), list(changes.values()), new)
        altered = new + sorted(item for item, place in known.items() if not np.array_equal(changes[item].ids, base.ids[place]))
        where = _places(place_of, altered)
        candidates = self._base.candidates.with_items(items, where, self._before(altered, changes))
        self._altered = {item: changes[item] for item in altered}
        put = np.zeros(len(items.names), bool)
        put[where[:MAX_PUT]] = True
        return replace(
            self._base,
            catalogue=catalogue.stocked(items, where[:MAX_PUT]),
            fields=ItemFields(items, self._item_id),
            candidates=candidates,
            ages=ItemAges(self._encoder, items),
            put=put if self._base.retriever is not None else self._base.put,
        )

    def _before(self, altered: Sequence[str], changes: Mapping[str, ItemChange]) -> tuple[ItemOverlay, np.ndarray] | None:
        """Rows of the overlay in use that are still right."""
        arrays = self.shelf.candidates.arrays
        if not isinstance(arrays, ItemOverlay):
            return None
        row_of = {item: row for row, (item, change) in enumerate(self._altered.items()) if changes.get(item) is change}
        return arrays, np.array([row_of.get(item, -1) for item in altered], np.int64)


def _told(change: ItemChange, place: int | None, left_out: tuple[str, ...] = ()) -> PutItem:
    return PutItem(place is None, tuple(UnknownValue(*part) for part in change.unknown), left_out)


def _places(place_of: Mapping[str, int], items: Iterable[str]) -> np.ndarray:
    return np.array([place_of[item] for item in items], np.int64)
