"""Which items of the item table a request chooses from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from ihas.data.cells import Scalar, cell_text
from ihas.data.item_table import ItemTable
from ihas.errors import RequestError
from ihas.serving.requests import MAX_ROWS, check_names


@dataclass(frozen=True)
class Candidates:
    """Items to be scored.

    Attributes:
        positions: int64 (n,). Rows of the item table, each once.
        unknown: ids that the item table does not hold, each once.
    """

    positions: np.ndarray
    unknown: tuple[str, ...]


class Catalogue:
    """The item table, by item id."""

    def __init__(self, items: ItemTable) -> None:
        self.items = items
        self._position: dict[Scalar | None, int] = {name: position for position, name in enumerate(items.names)}
        self._most_popular = np.argsort(-items.popularity.astype(np.int64), kind="stable")

    def stocked(self, items: ItemTable, first: np.ndarray) -> Catalogue:
        """The same with other rows of the items and with more of them.

        Args:
            items: the table; those of this one come first in it, under the same names.
            first: int64 (n,). Items that come before the most popular, each once.
        """
        found, count = copy(self), len(self.items.names)
        found.items = items
        if len(items.names) > count:
            found._position = self._position | {name: count + place for place, name in enumerate(items.names[count:])}
        later = np.ones(len(items.names), bool)
        later[first] = False
        order = np.append(self._most_popular, np.arange(count, len(items.names)))
        found._most_popular = np.concatenate([first, order[later[order]]])
        return found

    def choose(self, candidates: Sequence[Scalar] | None, excluded: Collection[int], wanted: np.ndarray | None = None) -> Candidates:
        """Candidates less the excluded; without candidates, the `MAX_ROWS` most popular items.

        Args:
            candidates: item ids; None for all.
            excluded: positions of items that are not to be scored.
            wanted: bool (num_items,). Items that a filter lets pass.

        Raises:
            RequestError: a candidate is no text and no number, or none is left.
        """
        if candidates is None:
            return Candidates(self.left(excluded, wanted)[:MAX_ROWS], ())
        plain = None if excluded or wanted is not None else self._plain(candidates)
        if plain is not None:
            return plain
        check_names(candidates, "/candidates")
        found = self._positions(candidates)
        unknown = dict.fromkeys(str(name) for name, position in found.items() if position is None)
        known = dict.fromkeys(position for position in found.values() if position is not None)
        allowed = [position for position in known if position not in excluded]
        left = allowed if wanted is None else [position for position in allowed if wanted[position]]
        if allowed and not left:
            raise RequestError(f"At least one candidate must be left, but none of {len(allowed)} meets the filter. Widen it.", "/filter")
        if not left:
            raise RequestError(
                f"At least one candidate must be left, but of {len(found)} {len(unknown)} are unknown and {len(known)} excluded. "
                "Give other candidates, or leave `candidates` out to choose from all items.",
                "/candidates",
            )
        return Candidates(np.array(left, np.int64), tuple(unknown))

    def place(self, item: str) -> int | None:
        """Row of an item, however its id is spelt; None where the table does not hold it."""
        return self._positions((item,))[item]

    def excluded(self, exclude: Sequence[Scalar]) -> set[int]:
        """Positions of the excluded items; unknown ones exclude nothing."""
        return {position for position in self._positions(exclude).values() if position is not None} if exclude else set()

    def _plain(self, candidates: Sequence[Scalar]) -> Candidates | None:
        """Candidates that are all known as they are spelt, each named once; None where it takes a closer look."""
        try:
            found = itemgetter(*candidates)(self._position) if len(candidates) > 1 else (self._position[candidates[0]],)
        except (KeyError, TypeError, IndexError):
            return None
        return Candidates(np.array(found, np.int64), ()) if len(set(found)) == len(found) else None

    def _positions(self, names: Iterable[Scalar]) -> dict[Scalar, int | None]:
        """Position of each item, however its id is spelt; None for one that the table does not hold."""
        found = {name: self._position.get(name) for name in names}
        return found | {name: self._position.get(cell_text(name)) for name, position in found.items() if position is None}

    def left(self, excluded: Collection[int], wanted: np.ndarray | None) -> np.ndarray:
        """Items that are not excluded and that a filter lets pass, the most popular first: int64 (n,).

        Raises:
            RequestError: there is none.
        """
        if not excluded and wanted is None and len(self._most_popular):
            return self._most_popular
        kept = np.ones(len(self.items.names), bool) if wanted is None else wanted.copy()
        kept[list(excluded)] = False
        left: np.ndarray = self._most_popular[kept[self._most_popular]]
        if not len(left) and wanted is not None:
            raise RequestError(f"At least one item must be left, but none of {len(kept)} meets the filter and is not excluded.", "/filter")
        if not len(left):
            raise RequestError(f"At least one item must be left, but all {len(kept)} are excluded. Exclude fewer.", "/exclude")
        return left
