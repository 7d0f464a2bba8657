"""Filters and diversity over an item table."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.item_table import FieldValues, ItemTable
from ihas.errors import RequestError
from ihas.serving.answers import DiversityRule, RecommendRequest
from ihas.serving.filters.item_fields import ItemFields

NAMES = ("a", "b", "c", "d", "e", "f")
GENRES = FieldValues(("war", "drama", "noir"), np.array([0, 1, 3, 4, 4, 5, 6]), np.array([0, 0, 1, 1, 0, 2], np.int32), multivalued=True)
ITEMS = ItemTable(NAMES, np.zeros((6, 1), np.int32), np.ones(6, np.int32), {"genres": GENRES})
"""a: war; b: war, drama; c: drama; d: none; e: war; f: noir."""


def _first(at_most: int, k: int, scores: str = "abcdef") -> str:
    """Answers where items score in the given order."""
    items = np.array([NAMES.index(name) for name in scores])
    request = RecommendRequest(k=k, diversity=DiversityRule("genres", at_most))
    rows = ItemFields(ITEMS, "item").first(lambda number: np.arange(number), items, request)
    return "".join(NAMES[items[row]] for row in rows)


def test_at_most_so_many_of_one_value() -> None:
    """By hand: with one of each genre, `b` and `e` find war used up by `a`, `d` uses nothing; with two, `e` alone does."""
    assert _first(1, 6) == "acdf"
    assert _first(2, 6) == "abcdf"
    assert _first(3, 6) == "abcdef"
    assert _first(1, 2) == "ac"


def test_greedy_goes_by_score() -> None:
    """By hand: where `b` scores best it uses up war and drama at once, so that only `d` and `f` follow."""
    assert _first(1, 6, "bacdef") == "bdf"


def test_looks_further_down_until_enough() -> None:
    """Forty items of one value before another: the other is found, however far down it stands."""
    names = tuple(map(str, range(41)))
    values = FieldValues.single(("x", "y"), np.array([0] * 40 + [1]))
    fields = ItemFields(ItemTable(names, np.zeros((41, 1), np.int32), np.ones(41, np.int32), {"kind": values}), "item")
    request = RecommendRequest(k=2, diversity=DiversityRule("kind", 1))
    assert fields.first(lambda number: np.arange(number), np.arange(41), request).tolist() == [0, 40]


def test_an_unknown_field_is_pointed_at() -> None:
    """DiversityRule by a field that no item has points at the field and lists the known."""
    with pytest.raises(RequestError, match="item, genres") as caught:
        ItemFields(ITEMS, "item").first(np.arange, np.arange(6), RecommendRequest(diversity=DiversityRule("genre", 1)))
    assert caught.value.pointer == "/diversity/field"


def test_the_item_id_is_a_field() -> None:
    """A filter may name items by their id field."""
    assert ItemFields(ITEMS, "item").meet('item in ("b", "f")').tolist() == [False, True, False, False, False, True]


def test_a_table_of_an_earlier_version_says_so() -> None:
    """Where a bundle carries no item fields, the refusal says that it must be written anew."""
    with pytest.raises(RequestError, match="write it anew"):
        ItemFields(ItemTable(NAMES, ITEMS.ids, ITEMS.popularity), "item").meet('genres has "war"')
