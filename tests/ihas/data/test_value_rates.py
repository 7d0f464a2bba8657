"""Rows and clicks of a column's values and ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from ihas.config.data import SchemaConfig
from ihas.data.findings import FieldProfile
from ihas.data.inference import infer_schema
from ihas.data.validation import validate
from ihas.data.value_rates import parts_of
from ihas.rates import wilson
from tests.ihas.data.tables import made_table


def profile(cells: list[Any], labels: list[Any], **settings: Any) -> FieldProfile:
    """Profile of the column `a` beside the labels."""
    table = made_table({"label": labels, "a": cells})
    report = validate(table, infer_schema(table, SchemaConfig(**settings)))
    return next(one for one in report.profiles if one.column == "a")


def test_values_come_with_their_click_rate() -> None:
    """Most frequent first, twelve of them; a missing cell is of no value; the interval is Wilson's."""
    found = profile(["x"] * 4 + ["y"] * 2 + [None], [1, 0, 0, 0, 1, 1, 0]).parts
    many = profile([f"v{number % 20}" for number in range(60)], [number % 2 for number in range(60)]).parts

    assert [(one.value, one.rows, one.clicks) for one in found] == [("x", 4, 1), ("y", 2, 2)]
    assert (found[0].low, found[0].high) == wilson(1, 4)
    assert len(many) == 12


def test_numbers_are_divided_into_equal_ranges() -> None:
    """The last range holds the greatest number; rows and clicks add up, and an empty range has no rate."""
    cells = [*np.linspace(0.0, 1.0, 50).tolist(), 12.0]
    found = profile(cells, [1] * 25 + [0] * 26, numeric=("a",)).parts

    assert (len(found), found[0].start, found[-1].end) == (12, 0.0, 12.0)
    assert ([one.rows for one in found], [one.clicks for one in found]) == ([49, 1, *[0] * 9, 1], [25, *[0] * 11])
    assert (found[5].low, found[5].high) == (None, None)


def test_what_cannot_be_divided_has_no_parts() -> None:
    """A constant; numbers whose distance is none; and where a label is missing there are rows and no clicks."""
    huge = parts_of(made_table({"a": [-1.7e308, 1.7e308]}), "a", None, True, None)
    bare = profile(["x", "y"] * 3, [0, 1, None, 1, 0, 1], unlabelled="drop").parts

    assert profile([3.0] * 6, [0, 1] * 3, numeric=("a",)).parts == ()
    assert huge == ()
    assert [(one.value, one.rows, one.clicks, one.low) for one in bare] == [("x", 3, None, None), ("y", 3, None, None)]


def test_values_within_cells_are_counted_each() -> None:
    """Of cells with a separator and of lists alike."""
    settings = {"multivalued": {"a": "|"}}
    texts = profile(["x|y", "x", "y|z", "x"], [1, 0, 1, 0], **settings).parts
    lists = profile([["x", "y"], ["x"], ["y", "z"], ["x"]], [1, 0, 1, 0]).parts

    assert [(one.value, one.rows, one.clicks) for one in texts] == [("x", 3, 1), ("y", 2, 2), ("z", 1, 1)]
    assert [(one.value, one.rows, one.clicks) for one in lists] == [("x", 3, 1), ("y", 2, 2), ("z", 1, 1)]
