"""Columns as codes and distinct texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.cell_codes import cell_codes
from ihas.data.cells import cell_number, cell_text
from ihas.data.columns import canonical_lists, canonical_texts, list_column, numbers, split_texts, text_column
from tests.ihas.data.tables import NUMBERS, TEXTS, made_table


@given(st.lists(st.one_of(st.none(), TEXTS, st.sampled_from(["7.0", "7", "TRUE", " x"])), max_size=12))
def test_texts_become_canonical_and_distinct(cells: list[str | None]) -> None:
    """Each cell of a column reads as its canonical text, and no two of the column's texts are equal."""
    array: Any = canonical_texts(pa.chunked_array([pa.array(cells, pa.string())]))
    assert array.to_pylist() == [cell_text(cell) for cell in cells]
    assert len(set(array.dictionary.to_pylist())) == len(array.dictionary)


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([1.0, None, 2.5, float("nan")]), ["1", None, "2.5", None]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([2**63], pa.uint64()), ["9223372036854775808"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_other_types_read_as_csv_would(array: Any, texts: list[str | None]) -> None:
    """A value has the same text whether it came as a typed Parquet cell or as CSV text."""
    texts_read: Any = canonical_texts(pa.chunked_array([array]))
    assert texts_read.to_pylist() == texts


def test_values_missing_within_a_list_are_dropped() -> None:
    """A list keeps its order and loses nulls and empty texts; a null list is an empty one."""
    array = pa.array([["a", None, " b"], None, [], ["", None], ["c"]])
    assert canonical_lists(array.slice(0)).to_pylist() == [["a", "b"], [], [], [], ["c"]]
    assert canonical_lists(array.slice(3)).to_pylist() == [[], ["c"]]


def test_codes_counts_and_rows() -> None:
    """Codes say which text a row has, counts how often a text occurs, and rows can be found by their text."""
    column = text_column(made_table({"a": ["x", None, "y", "x"]}), "a")
    assert column.codes.tolist() == [0, -1, 1, 0]
    assert column.counts.tolist() == [2, 1]
    assert column.rows_where(np.array([True, False])).tolist() == [0, 3]
    assert [column.text(row) for row in range(4)] == ["x", None, "y", "x"]


def test_split_and_list_agree() -> None:
    """Texts cut at their separator and the same cells as lists have the same values and lengths."""
    split = split_texts(pa.array(["a|b", "c", "|"]), "|")
    lists = list_column(made_table({"a": [["a", "b"], ["c"], []]}), "a")
    for cells in (split, lists):
        assert cells.lengths.tolist() == [2, 1, 0]
        assert [cells.values.text(place) for place in range(3)] == ["a", "b", "c"]


def test_equal_cells_have_equal_codes() -> None:
    """Two list cells have one code exactly if they hold the same values in the same order."""
    codes = cell_codes(made_table({"a": [["x", "y"], ["xy"], ["x", "y"], None, ["y", "x"]]}), "a")
    assert codes[0] == codes[2]
    assert codes[3] == -1
    assert len(set(codes.tolist())) == 4


@given(st.lists(st.one_of(TEXTS, NUMBERS.map(str), st.floats().map(str)), max_size=8))
def test_numbers_equal_those_of_single_cells(texts: list[str]) -> None:
    """A column's numbers are, to the bit, what `cell_number` reads from each text, and NaN where it reads none."""
    expected = [cell_number(text) for text in texts]
    assert np.array_equal(numbers(pa.array(texts, pa.string())), np.array([np.nan if e is None else e for e in expected]), equal_nan=True)
