"""Batches and known users, in real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas_service.auth.scopes import Scope
from tests.ihas.bundle_factory import bundle_with_users
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, key_of
from tests.service.dashboard.test_pages import EVIL, seen
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]

USERS = "/v1/models/films/users"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that knows its users."""
    folder = tmp_path_factory.mktemp("bundles") / "films"
    write_bundle(bundle_with_users(), folder)
    return folder


def test_a_user_is_looked_up_kept_and_forgotten(live: LiveServer, known: None, visit: Visit) -> None:
    """By any name, which stays text; fields that were put otherwise are kept."""
    page = visit(live.url, "/models/films")
    seen(page, "Nothing was put of any user yet.")
    field = page.get_by_label("User, as the field user spells it")
    field.fill(EVIL.replace("/", ""))
    page.get_by_role("button", name="Look up").click()
    seen(page, "Nothing was put of")
    page.get_by_role("button", name="Keep what is known of").click()
    seen(page, "Something was put of 1 user.")
    assert live.json("GET", USERS)["users"] == 1
    assert page.locator("main img, main script").count() == 0
    page.get_by_role("button", name="Forget this user").click()
    page.get_by_role("button", name="Forget", exact=True).click()
    seen(page, "Nothing was put of any user yet.")
    assert live.json("GET", USERS)["users"] == 0


def test_a_batch_is_started_cancelled_and_deleted(live: LiveServer, known: None, visit: Visit) -> None:
    """In clicks alone."""
    page = visit(live.url, "/models")
    page.get_by_role("link", name="Batches").click()
    seen(page, "No batches yet")
    page.get_by_label("Wanted").select_option("items")
    page.get_by_label("Items a row").fill("3")
    page.get_by_role("button", name="Start the batch").click()
    seen(page, "the best 3 items a row")
    page.get_by_role("button", name="Cancel the batch of films").click()
    page.get_by_role("button", name="Delete the batch of films").click()
    page.get_by_role("button", name="Delete it").click()
    seen(page, "No batches yet")
    assert live.json("GET", "/v1/batches")["batches"] == []


def test_rights_decide_what_is_offered(guarded: LiveServer, known: None, new_headers: NewKey, visit: Visit) -> None:
    """Who may only read sees batches and nothing to start, and no users; another tenant sees neither."""
    dataset = guarded.json("GET", "/v1/datasets", headers=new_headers())["datasets"][0]["id"]
    guarded.json("POST", "/v1/models/films/batch", json={"dataset_id": dataset}, headers=new_headers())
    reader = visit(guarded.url, "/batches", key=key_of(new_headers(scopes=frozenset({Scope.READ}))))
    reader.get_by_role("link", name="films").wait_for()
    assert reader.locator("main button, main input, main select").count() == 0
    reader.goto(f"{guarded.url}/#/models/films")
    reader.get_by_role("heading", name="films", exact=True).wait_for()
    assert reader.get_by_role("heading", name="Known users").count() == 0
    other = visit(guarded.url, "/batches", key=key_of(new_headers("acme")))
    seen(other, "No batches yet")


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_they_fit(width: int, live: LiveServer, known: None, visit: Visit) -> None:
    """At every width, in both themes by turns; axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    dataset = live.json("GET", "/v1/datasets")["datasets"][0]["id"]
    live.json("POST", "/v1/models/films/batch", json={"dataset_id": dataset})
    page = visit(live.url, "/batches", width, "dark" if width in (NARROW, 1600) else "light")
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    page.get_by_role("button", name="Cancel the batch of films").wait_for()
    found = axe.run(page, options=options).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.goto(f"{live.url}/#/models/films")
    page.get_by_label("User, as the field user spells it").fill("ada")
    page.get_by_role("button", name="Look up").click()
    page.get_by_role("button", name="Keep what is known of ada").wait_for()
    found += axe.run(page, options=options).response["violations"]

    assert max(wide, page.evaluate("document.documentElement.scrollWidth")) <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
