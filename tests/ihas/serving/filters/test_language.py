"""Texts of filters to what they mean."""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.item_table import FieldValues
from ihas.errors import RequestError
from ihas.serving.filters.language import MAX_DEPTH, MAX_LENGTH, parse_filter

pytestmark = pytest.mark.full

FILMS: list[dict[str, Any]] = [
    {"year": "1984", "studio": "A", "genres": ["War", "Drama"]},
    {"year": "1990", "studio": "B", "genres": ["Drama"]},
    {"year": "1999.5", "studio": None, "genres": []},
    {"year": None, "studio": "it's", "genres": ["Comedy"]},
]


def _values(name: str) -> FieldValues:
    cells = [film[name] for film in FILMS]
    lists = [cell if isinstance(cell, list) else [] if cell is None else [cell] for cell in cells]
    texts = tuple(dict.fromkeys(text for cell in lists for text in cell))
    offsets = np.concatenate([[0], np.cumsum([len(cell) for cell in lists])]).astype(np.int64)
    codes = np.array([texts.index(text) for cell in lists for text in cell], np.int32)
    return FieldValues(texts, offsets, codes, multivalued=name == "genres")


FIELDS = {name: _values(name) for name in FILMS[0]} | {"made in": _values("studio")}


@pytest.mark.parametrize(
    ("text", "films"),
    [
        ("year >= 1990", [1, 2]),
        ("year > 1990", [2]),
        ("year < 1990 or year <= 1984", [0]),
        ("year == 1.99e3", [1]),
        ('year == "1990"', [1]),
        ("year != 1990", [0, 2, 3]),
        ("not year >= 1990", [0, 3]),
        ("year is missing", [3]),
        ("not studio is missing", [0, 1, 3]),
        ('studio in ("A", "B",)', [0, 1]),
        (r"studio == 'it\'s'", [3]),
        ("`made in` == 'B'", [1]),
        ("studio == true", []),
        ('genres has "Drama"', [0, 1]),
        ('genres in ("War", "Comedy")', [0, 3]),
        ("genres is missing", [2]),
        ('not genres has "Drama" and year > 0', [2]),
        ('studio == "A" or studio == "B" and year > 1995', [0]),
        ('(studio == "A" or studio == "B") and year > 1985', [1]),
        ("not not year == 1990", [1]),
    ],
)
def test_means_what_it_says(text: str, films: list[int]) -> None:
    """Comparisons, missing values and the order of `not`, `and`, `or`, worked out by hand on four films."""
    assert np.flatnonzero(parse_filter(text).meet(FIELDS)).tolist() == films


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("year >", 7),
        ("year = 1990", 6),
        ('studio == "A', 11),
        ("year >= 1990 studio", 14),
        ("year and studio", 6),
        ("yaer >= 1990", 1),
        ("year >= 1990 and nothing == 1", 18),
        ('year >= "1990"', 1),
        ("studio > 3", 1),
        ('genres == "War"', 1),
        ('studio has "A"', 1),
        ("__import__('os').system('true')", 11),
        ("year.real == 1990", 5),
        ("not " * (MAX_DEPTH + 1) + "year == 1", 1),
        ("year == 1" + " " * MAX_LENGTH, MAX_LENGTH + 1),
    ],
)
def test_a_fault_is_found_at_its_column(text: str, column: int) -> None:
    """What is not of the language, or does not fit the fields, is refused with the column at which it goes wrong."""
    with pytest.raises(RequestError, match=f"^Column {column} of the filter: ") as caught:
        parse_filter(text).meet(FIELDS)
    assert caught.value.pointer == "/filter"


def test_an_unknown_field_lists_the_known() -> None:
    """A misspelt field is answered by the fields there are, and the nearest one."""
    with pytest.raises(RequestError, match="year, studio, genres, made in. Did you mean `year`"):
        parse_filter("yaer > 1").meet(FIELDS)


def test_brackets_alone_cost_no_depth() -> None:
    """Hundreds of brackets around a part are the part: parsing does not recurse."""
    assert parse_filter("(" * 900 + "year == 1" + ")" * 900) is not None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, it is a filter or a `RequestError`."""
    with suppress(RequestError):
        parse_filter(text).meet(FIELDS)


SIGNS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@given(
    st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=1, max_size=20),
    st.sampled_from([*SIGNS]),
    st.integers(-50, 50),
    st.booleans(),
)
def test_agrees_with_python_on_numbers(cells: list[int | None], sign: str, bound: int, negated: bool) -> None:
    """Items that meet a comparison are those of which Python says so; a missing number meets none."""
    texts = tuple({str(cell): None for cell in cells if cell is not None})
    codes = np.array([-1 if cell is None else texts.index(str(cell)) for cell in cells])
    found = parse_filter(f"{'not ' * negated}x {sign} {bound}").meet({"x": FieldValues.single(texts, codes)})
    assert found.tolist() == [(cell is not None and SIGNS[sign](cell, bound)) != negated for cell in cells]
