"""What is tried and what needs attention, in real Chromium: known users, items left out, fields shown; and the home page's list."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.data.item_table import FieldValues
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.bundle_factory import bundle_with_users
from tests.ihas.serving.fallback_bundle import torn
from tests.service.conftest import Publish, eventually
from tests.service.dashboard.conftest import NARROW, WIDE, Visit
from tests.service.dashboard.growing import grown
from tests.service.dashboard.releasing import MODEL, clicked, failed, released, split
from tests.service.dashboard.test_pages import EVIL, seen
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that knows its users: ada has clicked m1 and m3; m1 has a title, which is markup."""
    folder = tmp_path_factory.mktemp("bundles") / "films"
    made = bundle_with_users()
    titles = FieldValues.single((EVIL, "Heat"), np.array([0, 1, -1]))
    items = dataclasses.replace(made.items, values={**made.items.values, "title": titles})
    write_bundle(dataclasses.replace(made, items=items, schema=made.schema.model_copy(update={"display": ("title",)})), folder)
    return folder


def test_what_a_user_has_seen_is_left_out_and_items_have_fields(live: LiveServer, known: None, visit: Visit) -> None:
    """The page says how many were left out; the same request stands in the snippets."""
    page = visit(live.url, "/try?model=films")
    page.get_by_label("user", exact=True).fill("ada")
    page.get_by_label("title", exact=True).uncheck()
    page.get_by_label("genres", exact=True).check()
    page.get_by_role("button", name="Recommend").click()
    seen(page, "genres: drama, comedy")
    assert page.locator(".item").count() == 3
    page.get_by_label("Leave out what the user has clicked").check()
    page.get_by_role("button", name="What if?").click()
    seen(page, "2 items that they have clicked are left out.")

    assert page.locator(".item").count() == 1
    assert '"exclude_seen":true,"fields":["genres"]' in page.locator(".copyable code").first.inner_text()


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_items_are_shown_by_their_name(width: int, live: LiveServer, known: None, visit: Visit) -> None:
    """The columns that are only displayed come first, as text, beside the id; it fits, and axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(live.url, "/try?model=films", width, "dark" if width in (NARROW, 1600) else "light")
    page.get_by_label("Leave out what the user has clicked").focus()
    page.keyboard.press("Space")
    page.get_by_label("user", exact=True).fill("bob")
    page.get_by_role("button", name="Recommend").click()
    seen(page, "They have clicked nothing that could be left out.")
    names = page.locator(".item .named").all_text_contents()
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]

    assert names == [f"{EVIL} m1", "Heat m2", "m3"]
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_home_says_what_needs_attention(width: int, live: LiveServer, store: SqlStore, publish: Publish, visit: Visit) -> None:
    """A candidate that failed its gates, an append that was refused, a canary that is better, a group whose own model is broken."""
    released(publish)
    publish("shop")
    publish("shop", release=failed())
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    split(live, canaries=[{"version": 2, "percent": 50}], experiment={"minimum_effect": 0.1})
    clicked(live)
    publish("worn", spoil=torn)
    eventually(lambda: "worn" in live.http.get("/readyz").json().get("models", {}))
    grown(live, store, EVIL, EVIL)
    page = visit(live.url, "/", width)
    for text in ("gates failed", "append refused", "canary better", "degraded", "Version 3 met its gates and waits to be promoted."):
        seen(page, text)

    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
