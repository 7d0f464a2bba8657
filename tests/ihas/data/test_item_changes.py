"""What is put of an item becomes the row that a table would have given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.encoding import EncodingConfig
from ihas.data.encoder import Encoder
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.item_changes import ItemReader, changed_items
from ihas.data.item_table import ItemTable
from ihas.data.items import build_item_table
from ihas.data.schema import Field, Schema
from ihas.errors import RequestError
from tests.ihas.data.tables import made_table

SCHEMA = Schema(
    label="label",
    fields=(
        Field(name="movie", kind="categorical", role="item"),
        Field(name="user", kind="categorical"),
        Field(name="genre", kind="categorical", role="item"),
        Field(name="price", kind="numeric", role="item"),
        Field(name="tags", kind="multivalued", role="item", separator="|"),
    ),
    item_id="movie",
    display=("title",),
)
ROWS: dict[str, list[Any]] = {
    "label": [0, 1, 1, 0],
    "movie": ["a", "a", "b", "c"],
    "user": [1, 2, 3, 4],
    "genre": ["war", "war", "drama", "war"],
    "price": [2.5, 2.5, 7, None],
    "tags": ["x|y", "x|y", "y", None],
    "title": ["A", "A", "B", None],
}


def _table(**columns: list[Any]) -> tuple[ItemTable, Encoder]:
    """The item table of other columns, as the encoder of `ROWS` reads them."""
    encoder = fit_encoder(made_table(ROWS), SCHEMA, EncodingConfig(min_count=1))
    table = made_table(ROWS | columns)
    items = build_item_table(table, encode_table(table, SCHEMA, encoder)[0], encoder, SCHEMA)
    assert items is not None
    return items, encoder


def _put(put: dict[str, dict[str, Any]]) -> ItemTable:
    items, encoder = _table()
    reader, new = ItemReader(encoder, SCHEMA, items), sorted(put.keys() - set(items.names))
    place_of = {name: place for place, name in enumerate((*items.names, *new))}
    changes = [reader.read(item, place_of[item] if item in items.names else None, fields, "") for item, fields in put.items()]
    return changed_items(items, np.array([place_of[item] for item in put], np.int64), changes, new)


def _said(items: ItemTable) -> dict[str, dict[str, Any]]:
    assert items.values is not None
    return {name: {field: values.told(place) for field, values in items.values.items()} for place, name in enumerate(items.names)}


def test_a_changed_row_is_that_of_a_table_that_says_so() -> None:
    """Of every kind of field, rare and missing values too; what is not put stays."""
    put = {"a": {"genre": "noir", "price": "3.0", "tags": ["y", " ", "z"], "title": "Z"}, "c": {"price": 9, "tags": "x", "title": "C"}}
    found = _put({**put, "b": {"genre": None, "title": None}})
    wanted, _ = _table(genre=["noir", "noir", None, "war"], price=[3, 3, 7, 9], tags=["y|z", "y|z", "y", "x"], title=["Z", "Z", None, "C"])

    assert found.names == wanted.names
    np.testing.assert_array_equal(found.ids, wanted.ids)
    assert _said(found) == _said(wanted)
    assert found.popularity.tolist() == wanted.popularity.tolist()
    for values in (found.values or {}).values():
        assert len(set(values.texts)) == len(values.texts)


def test_a_new_item_has_an_unknown_id_and_the_fields_that_were_put() -> None:
    """It follows the items of the table, and no training row shows it."""
    found, (items, encoder) = _put({"z": {"genre": "war"}, "y": {}}), _table()

    assert (found.names, found.popularity.tolist()) == ((*items.names, "y", "z"), [2, 1, 1, 0, 0])
    np.testing.assert_array_equal(found.ids[:3], items.ids)
    fields = encoder.names_of("item")
    np.testing.assert_array_equal(found.ids[3:], encoder.encode_rows([{"movie": "y"}, {"movie": "z", "genre": "war"}], fields))
    assert _said(found)["z"] == {"genre": "war", "price": None, "tags": (), "title": None}


def test_values_that_the_model_does_not_know_are_named() -> None:
    """Of the fields that it reads; what is only displayed is nothing to know."""
    items, encoder = _table()
    read = ItemReader(encoder, SCHEMA, items).read("a", 0, {"genre": "opera", "tags": ["x", "q"], "price": 1e9, "title": "?"}, "")
    assert read.unknown == (("genre", "opera"), ("tags", ["x", "q"]))


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"genr": "war"}, "/fields/genr", "Did you mean `genre`"),
        ({"colour": "red"}, "/fields/colour", "There are genre, price, tags, title."),
        ({"user": 1}, "/fields/user", "no field of items"),
        ({"movie": "b"}, "/fields/movie", "names the item"),
        ({"price": "dear"}, "/fields/price", "must be a number"),
        ({"genre": ["war"]}, "/fields/genre", "must be one value"),
        ({"tags": [["x"]]}, "/fields/tags/0", "must be one value"),
        ({"title": ["A"]}, "/fields/title", "must be one value"),
        ({"title": {"deep": 1}}, "/fields/title", "must be one value"),
    ],
)
def test_what_no_item_can_have_is_refused(fields: dict[str, Any], pointer: str, said: str) -> None:
    """With the field, and what there is."""
    items, encoder = _table()
    with pytest.raises(RequestError, match=said) as refused:
        ItemReader(encoder, SCHEMA, items).read("a", 0, fields, "/fields")
    assert refused.value.pointer == pointer
