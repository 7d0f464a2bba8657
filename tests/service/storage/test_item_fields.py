"""Fields of items beside bundles, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ihas_service.errors import QuotaError, UnknownIdError
from ihas_service.storage.database import VERSION, bring_up_to_date
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.item_fields import ItemFieldRows
from ihas_service.storage.profiles import Profiles
from ihas_service.storage.put_fields import PutSum
from ihas_service.storage.sql_store import SqlStore
from tests.service.storage.rewinding import drop_0014
from tests.service.storage.test_schedules import registered

pytestmark = pytest.mark.full

FILMS, OTHER = ("local", "films"), ("acme", "films")
WAR, NOIR = {"genre": "war"}, {"genre": "noir"}


def test_fields_are_put_replaced_and_forgotten(empty_store: SqlStore) -> None:
    """By tenant, beside users of the same name; what does not fit changes nothing; they go with the model."""
    registered(empty_store)
    registered(empty_store, "acme")
    items = ItemFieldRows(empty_store, 500)
    Profiles(empty_store).put(FILMS, {"m1": WAR})
    items.put(FILMS, {"m1": WAR, "m2": {}})
    items.put(OTHER, {"m1": NOIR})
    items.put(FILMS, {"m1": NOIR})
    with pytest.raises(QuotaError, match="IHAS_MAX_ITEM_FIELD_BYTES_PER_TENANT"):
        items.put(FILMS, {"m3": WAR, "m4": WAR})
    with pytest.raises(UnknownIdError, match="no model 'songs'"):
        items.put(("local", "songs"), {"m1": WAR})

    assert (items.get(FILMS, "m1"), items.get(OTHER, "m1"), Profiles(empty_store).get(FILMS, "m1")) == (NOIR, NOIR, WAR)
    assert items.sums()[FILMS] == PutSum(2, 2, 2 * (150 + 2) + 2 + 16)
    assert dict(items.changed(FILMS, 1)) == {"m1": NOIR}
    assert (items.delete(FILMS, "m1"), items.delete(FILMS, "m1")) == (True, False)
    with pytest.raises(UnknownIdError, match="No fields of item 'm1'"):
        items.get(FILMS, "m1")
    Deletions(empty_store).model("local", "films", force=True)
    assert list(items.sums()) == [OTHER]


def test_what_was_put_before_a_time_is_forgotten(empty_store: SqlStore) -> None:
    """By the database's clock; without a time all of the model, and of no other one."""
    registered(empty_store)
    registered(empty_store, "acme")
    items = ItemFieldRows(empty_store)
    items.put(FILMS, {"m1": WAR})
    items.put(FILMS, {"m2": WAR, "m3": WAR})
    items.put(OTHER, {"m1": WAR})
    table = ItemFieldRows.kind.table
    empty_store.write(lambda connection: connection.execute(table.update().where(table.c.item_id == "m1").values(at=100.0)))

    assert (items.clear(FILMS, 100.0), items.clear(FILMS, 101.0), items.clear(FILMS, 101.0)) == (0, 1, 0)
    assert items.sums()[FILMS].count == 2
    assert (items.clear(FILMS), items.sums()[FILMS].count, items.sums()[OTHER].count) == (2, 0, 1)


def test_a_database_of_the_form_before_knows_of_no_items(empty_store: SqlStore) -> None:
    """And keeps what it has: users of 0013."""
    registered(empty_store)
    Profiles(empty_store).put(FILMS, {"ada": {"town": "Bonn"}})

    def back(connection: sa.Connection) -> None:
        drop_0014(connection)
        connection.execute(VERSION.update().values(version_num="0013"))

    empty_store.write(back)
    bring_up_to_date(empty_store._engine.url.render_as_string(hide_password=False))
    items = ItemFieldRows(empty_store)

    assert (items.sums(), Profiles(empty_store).get(FILMS, "ada")) == ({}, {"town": "Bonn"})
    items.put(FILMS, {"m1": WAR})
    assert items.get(FILMS, "m1") == WAR
