"""Which items a request chooses from."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.item_table import ItemTable
from ihas.errors import RequestError
from ihas.serving.filters.candidates import Catalogue
from ihas.serving.requests import MAX_ROWS


def _catalogue(popularity: list[int]) -> Catalogue:
    """Items named 0, 1, 2, ... with the given popularity."""
    count = len(popularity)
    return Catalogue(ItemTable(tuple(map(str, range(count))), np.zeros((count, 1), np.int32), np.array(popularity, np.int32)))


def test_without_candidates_all_items_the_popular_first() -> None:
    """All items are chosen from, in the order of their popularity, the excluded left out."""
    assert _catalogue([1, 5, 3]).choose(None, ()).positions.tolist() == [1, 2, 0]
    assert _catalogue([1, 5, 3]).choose(None, _catalogue([1, 5, 3]).excluded(("2", "no such item"))).positions.tolist() == [1, 0]


def test_large_item_table_gives_its_most_popular() -> None:
    """Of more items than one request may score, the most popular are chosen, after exclusion."""
    catalogue = _catalogue(list(range(MAX_ROWS + 2)))
    chosen = catalogue.choose(None, catalogue.excluded((str(MAX_ROWS + 1),))).positions
    assert sorted(chosen.tolist()) == list(range(1, MAX_ROWS + 1))


def test_candidates_in_their_order_each_once() -> None:
    """Candidates keep their order; repeated ones count once, and an unknown one is named."""
    chosen = _catalogue([0, 0, 0]).choose(["2", "0", "x", "2", "x"], ())
    assert chosen.positions.tolist() == [2, 0]
    assert chosen.unknown == ("x",)
    assert _catalogue([0, 0, 0]).choose(["2", "0", "2"], ()).positions.tolist() == [2, 0]
    assert _catalogue([0, 0, 0]).choose(["2", "0"], ()).positions.tolist() == [2, 0]


def test_spelling_of_a_number_does_not_matter() -> None:
    """1, 1.0, " 1" and "1.0" are the item "1"."""
    chosen = _catalogue([0, 0]).choose([1, 1.0, " 1", "1.0"], _catalogue([0, 0]).excluded(("0.0",)))
    assert chosen.positions.tolist() == [1]
    assert chosen.unknown == ()


@pytest.mark.parametrize(("candidates", "exclude"), [((), ()), (("1",), ("1",)), (("x",), ()), (("", float("nan")), ())])
def test_no_candidate_left(candidates: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """None given, all excluded or all unknown is an error that says how many."""
    with pytest.raises(RequestError, match=f"of {len(candidates)}") as caught:
        _catalogue([0, 0]).choose(candidates, _catalogue([0, 0]).excluded(exclude))
    assert caught.value.pointer == "/candidates"


def test_all_items_excluded() -> None:
    """Without candidates, excluding every item is an error that points at the exclusions."""
    with pytest.raises(RequestError, match="all 2") as caught:
        _catalogue([0, 0]).choose(None, {0, 1})
    assert caught.value.pointer == "/exclude"
