"""The item table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ihas.config.encoding import EncodingConfig
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.item_table import ItemTable
from ihas.data.items import build_item_table
from ihas.data.schema import Field, Schema
from tests.ihas.data.tables import made_table

FIELDS = (
    Field(name="movie", kind="categorical", role="item"),
    Field(name="user", kind="categorical"),
    Field(name="year", kind="categorical", role="item"),
)


def _items(item_id: str | None, **columns: list[Any]) -> tuple[ItemTable | None, Any]:
    table = made_table({"label": [number % 2 for number in range(len(columns["movie"]))], **columns})
    schema = Schema(label="label", fields=FIELDS, item_id=item_id)
    encoder = fit_encoder(table, schema, EncodingConfig(min_count=2))
    return build_item_table(table, encode_table(table, schema, encoder)[0], encoder, schema), encoder


def test_items_come_by_popularity_with_their_commonest_encoding() -> None:
    """Each item is there once, the popular ones first, with the year that most of its rows have; missing items are not."""
    items, encoder = _items(
        "movie",
        movie=["b", "a", "a", "c", "a", "b", None, "d"],
        user=[1, 2, 3, 4, 5, 6, 7, 8],
        year=[1999, 2000, 1999, 1999, 1999, 2000, 2000, 2000],
    )
    assert items is not None
    assert items.names == ("a", "b", "c", "d")
    assert items.popularity.tolist() == [3, 2, 1, 1]
    decoded = [(encoder.decode("movie", row[0]), encoder.decode("year", row[1])) for row in items.ids.tolist()]
    assert decoded == [("a", "1999"), ("b", "1999"), ("(unknown)", "1999"), ("(unknown)", "2000")]
    assert {items.ids.dtype, items.popularity.dtype} == {np.dtype(np.int32)}


def test_no_item_id_means_no_items() -> None:
    """A table whose rows name no item has nothing to recommend."""
    items, _ = _items(None, movie=["a", "b"], user=[1, 2], year=[3, 4])
    assert items is None


def test_items_keep_what_their_fields_said() -> None:
    """Values travel as they were, rare ones, numbers and several in a cell too, from the row that gave the encoding."""
    fields = (
        *FIELDS[:2],
        Field(name="price", kind="numeric", role="item"),
        Field(name="tags", kind="multivalued", role="item", separator="|"),
    )
    table = made_table(
        {"label": [0, 1, 1], "movie": ["a", "a", "b"], "user": [1, 2, 3], "price": [2.5, 2.5, None], "tags": ["x|rare", "x|rare", None]}
    )
    schema = Schema(label="label", fields=fields, item_id="movie")
    encoder = fit_encoder(table, schema, EncodingConfig(min_count=3))
    items = build_item_table(table, encode_table(table, schema, encoder)[0], encoder, schema)
    assert items is not None
    assert items.values is not None
    said = {name: [[field.texts[code] for code in field.of_item(item)] for item in (0, 1)] for name, field in items.values.items()}
    assert said == {"price": [["2.5"], []], "tags": [["x", "rare"], []]}
