"""The short way reads what the encoder reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.errors import RequestError
from ihas.serving.answers import UnknownValue
from ihas.serving.grouped.row_reader import RowReader
from tests.ihas.serving.mixed_bundle import mixed_encoder

pytestmark = pytest.mark.tf

ENCODER = mixed_encoder()
READER = RowReader(ENCODER, ENCODER.layout.names)

texts = st.sampled_from(["ada", " ada ", "m3", "nobody", "", "7", "7.0", "drama|noir", "drama", "new", "True"])
numbers = st.integers(-30, 30) | st.floats(-30, 30) | st.sampled_from([10**300, 2**53, -0.0, float("nan"), float("inf"), 5e-324])
cells = st.none() | texts | numbers | st.booleans() | st.lists(texts | st.none(), max_size=4)
rows = st.dictionaries(st.sampled_from([*ENCODER.layout.names, "genre"]), cells, max_size=5)


def _outcome(read: Any) -> tuple[Any, ...]:
    """What was read, or the error and its pointer."""
    try:
        return ("ids", *read())
    except RequestError as error:
        return ("error", str(error), error.pointer)


@settings(max_examples=400, deadline=None)
@given(rows)
def test_any_row_is_read_as_the_encoder_reads_it(row: dict[str, Any]) -> None:
    """Known, unknown and missing values, numbers, lists, wrong types and unknown fields: the same ids, or the same error."""
    assert _outcome(lambda: READER.read(row, "/rows/0").ids) == _outcome(lambda: ENCODER.encode_row(row, None, "/rows/0").tolist())


def test_unknown_values_are_told_as_they_were_given() -> None:
    """An unknown user, an unknown tag among known ones; a missing or known value is none."""
    read = READER.read({"user": "nobody", "tags": ["new", "x"], "movie": None, "genres": "drama"}, "")

    assert read.unknown == (UnknownValue("user", "nobody"), UnknownValue("tags", ["new", "x"]))


def test_some_fields_in_the_layouts_order() -> None:
    """A reader of the context refuses the item's fields and gives the context's slots."""
    reader = RowReader(ENCODER, ("hour", "user", "tags"))

    assert (
        reader.read({"hour": 7, "user": "bob"}, "").ids == ENCODER.encode_row({"hour": 7, "user": "bob"}, ("user", "tags", "hour")).tolist()
    )
    with pytest.raises(RequestError) as caught:
        reader.read({"movie": "m1"}, "/context")
    assert caught.value.pointer == "/context/movie"


def test_rows_are_read_together() -> None:
    """Ids as a matrix, errors with the row's number."""
    ids, unknown = READER.read_all([{"user": "ada"}, {"user": "nobody"}], "/rows")

    np.testing.assert_array_equal(ids, ENCODER.encode_rows([{"user": "ada"}, {"user": "nobody"}]))
    assert unknown == [(), (UnknownValue("user", "nobody"),)]
    with pytest.raises(RequestError) as caught:
        READER.read_all([{}, {"user": ["ada"]}], "/rows")
    assert caught.value.pointer == "/rows/1/user"
