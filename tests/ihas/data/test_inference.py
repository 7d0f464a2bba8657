"""What columns are taken for."""

from __future__ import annotations

from typing import Any

import pytest

from ihas.config.data import SchemaConfig
from ihas.data.inference import infer_schema
from ihas.data.schema import Schema
from ihas.errors import ConfigError
from tests.ihas.data.tables import made_table

MOVIES: dict[str, list[Any]] = {
    "Click": [0, 1, 1, 0, 1, 0],
    "user": [1, 2, 3, 1, 2, 3],
    "movie_id": [7, 7, 8, 8, 9, 9],
    "year": [1999, 1999, 2000, 2000, 1999, 1999],
    "genres": ["Drama|Comedy", "Drama|Comedy", "Drama", "Drama", "Comedy", "Comedy"],
    "constant": [5] * 6,
    "empty": [None] * 6,
}


def _schema(columns: dict[str, list[Any]], **settings: Any) -> Schema:
    return infer_schema(made_table(columns), SchemaConfig(**settings))


def _kind(cells: list[Any], **settings: Any) -> str:
    labels = [number % 2 for number in range(len(cells))]
    return _schema({"label": labels, "a": cells}, **settings).fields[0].kind


def test_items_genres_and_label_are_inferred() -> None:
    """The label goes by name, and what has one value per movie, and more than one in all, describes the movie."""
    schema = _schema(MOVIES)
    assert (schema.label, schema.item_id) == ("Click", "movie_id")
    assert {field.name for field in schema.fields if field.role == "item"} == {"movie_id", "year", "genres"}
    assert [(field.name, field.separator) for field in schema.fields if field.kind == "multivalued"] == [("genres", "|")]


def test_stated_items_are_the_only_ones() -> None:
    """Where item columns are stated, nothing is added to them but the item id."""
    assert [field.name for field in _schema(MOVIES, item=("year",), item_id="user").fields if field.role == "item"] == ["user", "year"]
    assert _schema(MOVIES, item=("year",)).item_id == "year"


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([number / 4 for number in range(30)], "numeric"),
        ([number / 4 for number in range(30)] + [None, 7], "numeric"),
        ([number / 4 for number in range(12)], "categorical"),
        (list(range(100)), "categorical"),
        ([number / 4 for number in range(30)] + ["n/a"], "categorical"),
        ([1.5] * 5 + [None] * 500, "categorical"),
        (["x"] * 9, "categorical"),
    ],
)
def test_numeric_means_many_numbers_with_fractions(cells: list[Any], kind: str) -> None:
    """Whole numbers, few numbers and columns with a single text stay categories; so do constant and mostly missing ones."""
    assert _kind(cells) == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["a|b", "a", "b"], "multivalued"),
        (["a|b", "a|c", "d|b"], "categorical"),
        (["a||b", "a", "b"], "categorical"),
        (["a|b|c", "d"], "categorical"),
        (["a,b", "a", "b"], "categorical"),
        ([["a", "b"], ["a"]], "multivalued"),
    ],
)
def test_multivalued_means_lists_of_shared_values(cells: list[Any], kind: str) -> None:
    """Pairs that always come in twos, empty values, and values that are rarer than cells do not make a column multi-valued."""
    assert _kind(cells) == kind


def test_statements_go_before_inference() -> None:
    """Stated kinds are taken, ignored columns are no fields, and the time column is a field only where it is listed as one."""
    assert _kind(list(range(100)), numeric=("a",)) == "numeric"
    assert _kind([number / 4 for number in range(30)], categorical=("a",)) == "categorical"
    assert _schema(MOVIES, multivalued={"year": "9"}).fields[2].separator == "9"
    names = [field.name for field in _schema(MOVIES, ignored=("empty",), time="year").fields]
    assert names == ["user", "movie_id", "genres", "constant"]
    assert "year" in [field.name for field in _schema(MOVIES, time="year", categorical=("year",)).fields]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"numeric": ("yaer",)}, "Did you mean `year`"),
        ({"label": "clack"}, "there are Click, user"),
        ({"numeric": ("year",), "categorical": ("year",)}, "both `categorical` and `numeric`"),
        ({"ignored": ("Click",)}, "both `label` and `ignored`"),
        ({"item_id": "year", "numeric": ("year",)}, "both `item_id` and `numeric`"),
        ({"item": ("Click",)}, "both `item` and `label`"),
        ({"time": "Click"}, "both `time` and `label`"),
    ],
)
def test_contradictions_are_named(settings: dict[str, Any], message: str) -> None:
    """Unknown columns and contradictory statements are refused, naming what exists and what collides."""
    with pytest.raises(ConfigError, match=message):
        _schema(MOVIES, **settings)


def test_a_list_has_no_single_value() -> None:
    """A column of lists cannot be stated to be a category."""
    with pytest.raises(ConfigError, match="must be multi-valued"):
        _kind([["a"], ["b"]], categorical=("a",))


def test_a_label_that_cannot_be_told() -> None:
    """Without a column called like a label the candidates are those with 0 and 1; with two, they are the two."""
    with pytest.raises(ConfigError, match=r"candidates: bought\."):
        _schema({"bought": [0, 1], "user": [1, 2]})
    with pytest.raises(ConfigError, match=r"several are called like one; candidates: y, label\."):
        _schema({"y": [0, 1], "label": [1, 0]})
