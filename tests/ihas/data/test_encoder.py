"""Values to ids and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder, MultivaluedEncoder, NumericEncoder
from ihas.data.schema import Kept
from ihas.errors import RequestError
from tests.ihas.data.tables import TEXTS

ENCODER = Encoder(
    fields=(
        CategoricalEncoder(name="user", role="context", values=("270", "x", "true")),
        NumericEncoder(name="price", role="item", edges=(2.5, 7.0)),
        MultivaluedEncoder(name="a/b", role="item", values=("Drama", "Comedy"), slots=2, separator="|"),
    )
)


def test_layout_counts_unknown_and_missing_in_every_field() -> None:
    """A field owns a row for unknown, one for missing and one per value or bucket."""
    assert ENCODER.layout.vocabulary_sizes == (5, 5, 4)
    assert ENCODER.layout.slots == (1, 1, 2)


def test_hand_worked_ids() -> None:
    """Ids count from each field's first row, values from its third, and padding fills what a list leaves."""
    rows: list[dict[str, Any]] = [
        {"user": 270.0, "price": 2.5, "a/b": "Comedy|Drama|Drama"},
        {"user": "y", "price": "2.4", "a/b": ["Comedy"]},
        {"user": None, "price": None, "a/b": " | "},
        {},
        {"user": True, "price": 99, "a/b": ["Horror", None]},
    ]
    expected = [[2, 8, 13, 12], [0, 7, 13, -1], [1, 6, 11, -1], [1, 6, 11, -1], [4, 9, 10, -1]]
    encoded = ENCODER.encode_rows(rows)
    assert encoded.dtype == np.int32
    assert encoded.tolist() == expected


def test_decoding_names_every_id() -> None:
    """Every row of the fused table stands for something a person can read."""
    assert [ENCODER.decode("user", row) for row in range(5)] == ["(unknown)", "(missing)", "270", "x", "true"]
    assert [ENCODER.decode("price", row) for row in range(5, 10)] == ["(unknown)", "(missing)", "(-inf, 2.5)", "[2.5, 7)", "[7, inf)"]
    with pytest.raises(RequestError, match=r"\[5, 10\)"):
        ENCODER.decode("price", 10)


def test_slots_of_a_role() -> None:
    """Context and item slots are told apart, and together they are all columns."""
    assert ENCODER.slots_of("context").tolist() == [0]
    assert ENCODER.slots_of("item").tolist() == [1, 2, 3]
    assert ENCODER.names_of("item") == ("price", "a/b")


def test_a_subset_of_fields_gives_their_slots_only() -> None:
    """Encoding the item fields gives the item columns of the full encoding, in the layout's order."""
    row: dict[str, Any] = {"price": 8, "a/b": ["Drama"]}
    expected = ENCODER.encode_rows([row])[:, ENCODER.slots_of("item")]
    assert (ENCODER.encode_rows([row], fields=("a/b", "price")) == expected).all()
    assert ENCODER.encode_rows([], fields=("a/b",)).shape == (0, 2)


@pytest.mark.parametrize(
    ("row", "pointer", "message"),
    [
        ({"usr": 1}, "/rows/0/usr", "Did you mean `user`"),
        ({"user": [1]}, "/rows/0/user", "must be one value"),
        ({"user": float("nan")}, "/rows/0/user", "finite"),
        ({"user": {"a": 1}}, "/rows/0/user", "must be one value"),
        ({"price": "cheap"}, "/rows/0/price", "must be a number"),
        ({"price": True}, "/rows/0/price", "must be a number"),
        ({"price": float("inf")}, "/rows/0/price", "finite"),
        ({"a/b": ["Drama", ["x"]]}, "/rows/0/a~1b/1", "each value"),
    ],
)
def test_what_a_row_must_not_hold(row: dict[str, Any], pointer: str, message: str) -> None:
    """An unknown name or a value of the wrong type is an error that points at its place in the request."""
    with pytest.raises(RequestError, match=message) as error:
        ENCODER.encode_rows([row], pointer="/rows")
    assert error.value.pointer == pointer


def test_an_item_field_is_unknown_where_context_is_asked() -> None:
    """A request's context must not state an item field, and the error names the fields it may state."""
    with pytest.raises(RequestError, match="none of the fields here: user") as error:
        ENCODER.encode_row({"price": 1}, fields=ENCODER.names_of("context"), pointer="/context")
    assert error.value.pointer == "/context/price"


@given(
    values=st.lists(TEXTS, unique=True, max_size=4),
    edges=st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True, max_size=5).map(sorted),
    slots=st.integers(1, 3),
)
def test_json_round_trip_is_exact(values: list[str], edges: list[float], slots: int) -> None:
    """An encoder read from its own JSON is equal, to the bit of every edge."""
    encoder = Encoder(
        fields=(
            CategoricalEncoder(name="a", role="context", values=tuple(values)),
            NumericEncoder(name="b", role="item", edges=tuple(edges)),
            MultivaluedEncoder(name="c", role="item", values=tuple(values), slots=slots, separator=None),
        )
    )
    assert Encoder.from_json(encoder.to_json()) == encoder
    assert encoder.layout == Encoder.from_json(encoder.to_json()).layout


@pytest.mark.parametrize(("keep", "ids"), [("first", (2, 3)), ("last", (3, 2))])
def test_values_beyond_the_slots_cost_no_look(keep: Kept, ids: tuple[int, ...]) -> None:
    """Of a cell with a million values as many are looked up as are kept, whichever end they are kept from; empty ones are passed over."""
    looked: list[str] = []

    class Watched(dict[str, int]):
        def get(self, text: str, otherwise: int) -> int:  # type: ignore[override]  # as it is called
            looked.append(text)
            return super().get(text, otherwise)

    field = MultivaluedEncoder(name="genres", role="item", values=("Drama", "Comedy"), slots=2, separator="|", keep=keep)
    field.__dict__["local_ids"] = Watched(field.local_ids)
    cell = "|".join(["", " ", "Drama", "Comedy", *["x"] * 1_000_000, "Comedy", "Drama", "", " "])

    assert field.encode(cell, "/genres") == ids
    assert len(looked) == 2
