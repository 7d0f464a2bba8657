"""What was put of items reaches every version in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ihas_service.models.known_items import KnownItems
from ihas_service.models.registry import Registry
from ihas_service.settings import Settings
from ihas_service.storage.item_fields import ItemFieldRows
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish


def _raise(*_: Any) -> None:
    raise TypeError("cannot be read")


def test_a_version_that_cannot_read_what_was_put_keeps_it_from_no_other(
    store: SqlStore, settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged; the other version of the two knows the new item."""
    publish()
    publish()
    rows = ItemFieldRows(store)
    known, registry = KnownItems(rows), Registry(store, settings.folder)
    broken, whole = (registry.get("films", number).recommender.item_updates for number in (1, 2))
    assert broken is not None
    assert whole is not None
    known.watch(registry.loaded)
    monkeypatch.setattr(broken, "describe", _raise)
    rows.put(("local", "films"), {"m9": {"genres": ["comedy"]}})
    known.refresh()

    assert (broken.shown("m9"), whole.shown("m9")) == (None, {"genres": ("comedy",)})
