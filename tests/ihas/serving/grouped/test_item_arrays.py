"""What items bring is kept for the popular ones and computed for the others."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.item_table import ItemTable
from ihas.serving.grouped.item_arrays import ItemArrays

ITEMS = ItemTable(("a", "b", "c", "d"), np.arange(4, dtype=np.int32)[:, None], np.array([1, 9, 5, 7], np.int32))


def _double(ids: np.ndarray) -> np.ndarray:
    return np.hstack([ids, 2 * ids]).astype(np.float32)


@pytest.mark.parametrize(("max_bytes", "kept"), [(0, 0), (8, 1), (23, 2), (32, 4), (1_000, 4)])
def test_rows_are_the_same_however_many_are_kept(max_bytes: int, kept: int) -> None:
    """Eight bytes an item: from none kept to all, every item's row is what its maker makes."""
    arrays = ItemArrays(ITEMS, {"double": _double}, max_bytes)

    assert arrays.num_kept == kept
    assert arrays.take("double", np.array([3, 0, 1, 3])).tolist() == [[3, 6], [0, 0], [1, 2], [3, 6]]
    assert arrays.take("double", np.array([2])).tolist() == [[2, 4]]


def test_the_popular_items_are_kept() -> None:
    """With room for two, b and d are not made again, a and c are."""
    made: list[int] = []

    def maker(ids: np.ndarray) -> np.ndarray:
        made.extend(ids[:, 0].tolist())
        return _double(ids)

    arrays = ItemArrays(ITEMS, {"double": maker}, 16)
    made.clear()
    arrays.take("double", np.array([0, 1, 2, 3]))

    assert made == [0, 2]


def test_a_taken_row_is_the_takers_own() -> None:
    """Changing what was taken changes nothing that is kept."""
    arrays = ItemArrays(ITEMS, {"double": _double})
    arrays.take("double", np.array([1]))[:] = 7

    assert arrays.take("double", np.array([1])).tolist() == [[1, 2]]


def test_nothing_to_know_of_items() -> None:
    """A model that needs nothing of an item keeps nothing."""
    assert ItemArrays(ITEMS, {}).num_kept == 4
