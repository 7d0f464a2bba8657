"""What is known of the items beside their encoding: filters over it, and answers that are not all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from ihas.data.item_table import FieldValues, ItemTable
from ihas.errors import RequestError
from ihas.serving.answers import DiversityRule, RecommendRequest
from ihas.serving.filters.language import parse_filter
from ihas.serving.filters.nodes import Field

KEPT = 32
"""Filters whose items are remembered; a million items take a megabyte each."""
Best = Callable[[int], np.ndarray]
"""Number of rows to the best rows, best first; asking for more only adds to the end."""


class ItemFields:
    """Item fields by name, the item id among them."""

    def __init__(self, items: ItemTable, item_id: str, values: Mapping[str, FieldValues] | None = None) -> None:
        """
        Args:
            items: the item table.
            item_id: name of the field that names the item.
            values: other fields, where not the table's own are meant.
        """
        count = len(items.names)
        self.fields = {item_id: FieldValues(items.names, np.arange(count + 1), np.arange(count, dtype=np.int32))}
        self.fields |= (items.values if values is None else values) or {}
        self._complete = values is not None or items.values is not None
        self.meet = lru_cache(KEPT)(self._meet)

    def _meet(self, text: str) -> np.ndarray:
        """Items that meet a filter: bool (num_items,), not to be written to.

        Raises:
            RequestError: the filter is none, or does not fit the fields; says at which column.
        """
        node = parse_filter(text)
        try:
            found = node.meet(self.fields)
        except RequestError as error:
            raise self._told(error) from None
        found.flags.writeable = False
        return found

    def shown(self, names: Sequence[str]) -> Callable[[int], dict[str, str | tuple[str, ...]]]:
        """What to answer an item with: position to the values of these fields; a missing value is left out.

        Raises:
            RequestError: there is no such field.
        """
        for place, name in enumerate(names):
            if name not in self.fields:
                known = f"`fields` must name item fields, but got {name!r}; there are {', '.join(self.fields)}."
                raise self._told(RequestError(known, f"/fields/{place}"))
        return lambda item: {name: told for name in names if (told := self.fields[name].told(item))}

    def first(self, best: Best, items: np.ndarray, request: RecommendRequest) -> np.ndarray:
        """The best rows of a request, as alike as it lets them be: int64 (at most k,), best first.

        Args:
            best: the best rows.
            items: int64 (rows,). Item of each row.
            request: says how many, and of one value of which field at most.

        Raises:
            RequestError: there is no such field.
        """
        if request.diversity is None:
            return best(request.k)
        k, values, at_most = request.k, self._values(request.diversity), request.diversity.at_most
        count = min(len(items), 4 * k)
        while True:
            rows = best(count)
            kept = _greedy(rows, items, values, at_most, k)
            if len(kept) == k or count == len(items):
                return np.array(kept, np.int64)
            count = min(len(items), 4 * count)

    def _values(self, diversity: DiversityRule) -> FieldValues:
        try:
            return Field(diversity.field, 1).values(self.fields)
        except RequestError as error:
            raise self._told(RequestError(str(error).partition(": ")[2], "/diversity/field")) from None

    def _told(self, error: RequestError) -> RequestError:
        """The error, and what a bundle of an earlier version lacks."""
        hint = "" if self._complete else " This bundle was written before item fields travelled; write it anew from its run."
        return RequestError(f"{error}{hint}", error.pointer)


def _greedy(rows: np.ndarray, items: np.ndarray, values: FieldValues, at_most: int, k: int) -> list[int]:
    used: dict[int, int] = {}
    kept: list[int] = []
    for row in map(int, rows):
        codes = set(values.of_item(int(items[row])))
        if any(used.get(code, 0) >= at_most for code in codes):
            continue
        kept.append(row)
        if len(kept) == k:
            break
        for code in codes:
            used[code] = used.get(code, 0) + 1
    return kept
