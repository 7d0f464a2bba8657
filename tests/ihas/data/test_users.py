"""The user table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.data import SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.inference import infer_schema
from ihas.data.item_table import ItemTable
from ihas.data.items import build_item_table
from ihas.data.user_table import UserTable
from ihas.data.users import build_user_table
from ihas.errors import ConfigError
from ihas.serving.grouped.profiles import Profiles
from tests.ihas.data.tables import made_table

COLUMNS = SchemaConfig(
    label="click", item_id="film", user_id="user", user=("age", "likes"), multivalued={"likes": "|"}, display=("title",), time="day"
)
TABLE: dict[str, list[Any]] = {
    "click": [1, 0, 1, 1, 0, 1],
    "user": ["bob", "ada", "ada", "bob", "ada", None],
    "film": ["m1", "m1", "m2", "m1", "m3", "m3"],
    "age": [30, 20, 22, 31, 21, 99],
    "likes": ["war", "war|drama", None, "drama", "war", "war"],
    "title": ["One", "One", "Two", "One", None, "Three"],
    "hour": [1, 2, 3, 4, 5, 6],
    "day": [2, 1, 3, 1, 2, 9],
}


def _tables(columns: SchemaConfig = COLUMNS) -> tuple[UserTable, ItemTable, Any]:
    table = made_table(TABLE)
    schema = infer_schema(table, columns)
    encoder = fit_encoder(table, schema, EncodingConfig(min_count=1))
    ids = encode_table(table, schema, encoder)[0]
    items = build_item_table(table, ids, encoder, schema)
    users = build_user_table(table, np.array(TABLE["click"], bool), schema, items)
    assert users is not None
    assert items is not None
    return users, items, (encoder, ids)


def _said(users: UserTable, name: str) -> list[tuple[str, ...]]:
    return [tuple(users.values[name].texts[code] for code in users.values[name].of_item(user)) for user in range(len(users.names))]


def test_users_have_the_fields_of_their_newest_row() -> None:
    """By the time column: ada's newest is row 3 (day 3), bob's row 1 (day 2); a row without a user counts for nobody."""
    users, _, _ = _tables()
    assert users.names == ("ada", "bob")
    assert _said(users, "age") == [("22",), ("30",)]
    assert _said(users, "likes") == [(), ("war",)]


def test_without_a_time_the_last_row_is_the_newest() -> None:
    """Rows are taken to be in order."""
    users, _, _ = _tables(COLUMNS.model_copy(update={"time": None, "ignored": ("day",)}))
    assert _said(users, "age") == [("21",), ("31",)]


def test_users_keep_what_they_clicked_once() -> None:
    """Ada clicked m2 only, bob m1 twice; rows without a click are not seen as chosen."""
    users, items, _ = _tables()
    clicked = [[items.names[item] for item in users.clicked(user)] for user in (0, 1)]
    assert clicked == [["m2"], ["m1"]]
    assert (users.offsets.dtype, users.items.dtype) == (np.int64, np.int32)


def test_what_is_displayed_travels_and_is_not_learnt() -> None:
    """The title is no field of the model, and each item's is that of the row that gave its encoding."""
    _, items, (encoder, _) = _tables()
    assert "title" not in encoder.layout.names
    assert items.values is not None
    titles = {name: items.values["title"].told(place) for place, name in enumerate(items.names)}
    assert titles == {"m1": "One", "m2": "Two", "m3": None}


def test_a_completed_context_reads_as_the_newest_row_did() -> None:
    """The user's id alone, with the profile, gives the ids of the user's newest row: numbers and several values too."""
    users, _, (encoder, ids) = _tables()
    profiles, names = Profiles(users, "user"), ("user", "age", "likes")
    slots = [slot for name in names for slot in _slots(encoder, name)]
    for user, row in (("ada", 2), ("bob", 0)):
        completed = profiles.completed({"user": user})
        read = np.concatenate([encoder.encode_row({name: completed.get(name)}, (name,), "") for name in names])
        assert read.tolist() == ids[row][slots].tolist()


def _slots(encoder: Any, name: str) -> range:
    place = encoder.layout.names.index(name)
    first = sum(encoder.layout.slots[:place])
    return range(first, first + encoder.layout.slots[place])


def test_what_a_request_states_counts() -> None:
    """A stated value is not replaced, nor is a stated null; an unknown user, and a context without one, stay as they are."""
    profiles = Profiles(_tables()[0], "user")
    assert profiles.completed({"user": "bob", "age": 5}) == {"age": 5, "likes": ["war"], "user": "bob"}
    assert profiles.completed({"user": "bob", "age": None})["age"] is None
    for context in ({"user": "eve"}, {}, {"user": None}, {"user": ["bob"]}):
        assert profiles.completed(context) == context


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user_id": "film", "item_id": "film"}, "`user_id` and `item_id`"),
        ({"user": ("title",)}, "`user` and `display`"),
        ({"user": ("user",)}, "`user_id` and `user`"),
        ({"display": ("click",)}, "`label` and `display`"),
        ({"display": ("nothing",)}, "`display` must name columns of the table, but got 'nothing'"),
    ],
)
def test_contradictions_are_told(changes: dict[str, Any], words: str) -> None:
    """A column has one purpose."""
    with pytest.raises(ConfigError) as error:
        infer_schema(made_table(TABLE), SchemaConfig.model_validate(COLUMNS.model_dump() | changes))
    assert all(word in str(error.value) for word in words.split(" and "))
