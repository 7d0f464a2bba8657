"""What a visitor sees and does, in real Chromium, on models that were registered without training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ihas_service.auth.scopes import EVERYTHING, Scope
from ihas_service.http.examples.searches import REPORT
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import submitted
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, key_of
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.full, pytest.mark.slow]

MODEL = "/models/films"
EVIL = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>&lt;b&gt;"\'\u202e'
PAGES = ("/", "/datasets", "/datasets/new", "/searches", "/searches/new", "/models", MODEL, "/try?model=films", "/keys")


def seen(page: Page, text: str) -> None:
    """Wait for a text of the page."""
    page.get_by_text(text).first.wait_for()


def test_an_empty_service_says_how_to_begin(live: LiveServer, visit: Visit) -> None:
    """Three steps, the first of which can be taken."""
    page = visit(live.url)

    page.get_by_role("heading", name="Welcome to iHAS").wait_for()
    page.get_by_role("link", name="Upload a table").click()
    page.get_by_role("heading", name="Upload a table").wait_for()
    assert page.title() == "New data set · iHAS"


def test_a_version_is_promoted_tried_sent_traffic_and_rolled_back(live: LiveServer, published: Callable[..., Path], visit: Visit) -> None:
    """In clicks alone; the API says the same afterwards."""
    published()
    published()
    page = visit(live.url, MODEL)
    page.get_by_role("button", name="Promote version 1").click()
    seen(page, "Version 1 answers now.")
    assert live.json("GET", "/v1/models/films/aliases/champion")["version"] == 1

    page.get_by_label("Share of the requests").fill("20")
    page.get_by_role("button", name="Start the canary").click()
    seen(page, "Version 2 gets 20 % of the requests, version 1 the rest.")
    assert live.json("GET", "/v1/models/films/traffic")["canary"]["percent"] == 20
    page.get_by_role("button", name="Stop the canary").click()
    seen(page, "Version 1 gets all requests.")

    page.get_by_role("button", name="Promote version 2").click()
    seen(page, "Version 2 answers now.")
    page.get_by_role("button", name="Roll back").click()
    seen(page, "Version 1 answers again.")
    page.get_by_role("button", name="Delete version 2").click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_role("button", name="Delete version 2").wait_for(state="detached")

    page.get_by_role("link", name="Try it").last.click()
    page.get_by_role("button", name="Recommend").click()
    seen(page, "Open an item to see why it is there.")
    page.locator(".item summary").first.click()
    seen(page, "What moves the score")
    page.get_by_role("button", name="What if?").click()
    seen(page, "same place")


def test_two_tenants_never_see_each_other(guarded: LiveServer, published: Callable[..., Path], new_headers: NewKey, visit: Visit) -> None:
    """The other's pages are empty, its addresses lead nowhere."""
    published()
    other = key_of(new_headers("acme", EVERYTHING))
    page = visit(guarded.url, "/models", key=other)

    seen(page, "No models yet")
    page.goto(f"{guarded.url}/#{MODEL}")
    seen(page, "There is nothing here")
    assert "films" not in page.locator("main").inner_text()


def test_a_key_sees_no_button_that_would_fail(
    guarded: LiveServer, published: Callable[..., Path], new_headers: NewKey, visit: Visit
) -> None:
    """A key that only reads gets every page, and on none of them something to change or to start."""
    run = published()
    search = run.name
    dataset = guarded.json("GET", "/v1/datasets", headers=new_headers())["datasets"][0]["id"]
    page = visit(guarded.url, "/", key=key_of(new_headers(scopes=frozenset({Scope.READ}))))
    page.get_by_role("heading", name="Overview").wait_for()
    for path in (*PAGES, f"/searches/{search}", f"/datasets/{dataset}"):
        page.goto(f"{guarded.url}/#{path}")
        page.locator("main h1, main .empty h2").first.wait_for()
        offered = [*page.locator("main button").all_inner_texts(), *page.locator("main a.button").all_inner_texts()]

        assert set(offered) <= {"Compare", "Download the report", "Choose another point, or promote it", "Open version 1"}, path
        assert page.locator(".notice.bad").count() == 0, path


def test_a_wrong_key_is_told_and_a_right_one_comes_in(guarded: LiveServer, new_headers: NewKey, visit: Visit) -> None:
    """The key stays in the tab: it is neither in the address nor kept for another visit."""
    page = visit(guarded.url)
    field = page.get_by_label("API key or OpenID token")
    field.fill("ihas_nonsense")
    page.get_by_role("button", name="Sign in").click()
    seen(page, "The service does not know this key.")
    field.fill(key_of(new_headers()))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Welcome to iHAS").wait_for()

    assert page.evaluate("localStorage.length") == 0
    assert "ihas_" not in page.url
    page.get_by_role("button", name="Sign out").click()
    field.wait_for()


def test_names_are_texts_wherever_they_are_shown(live: LiveServer, store: SqlStore, table: str, visit: Visit) -> None:
    """Of a data set, its columns, values and findings, a key, an error: shown as they were written, and nothing of them runs."""
    evil_report = json.loads(json.dumps(REPORT).replace("Coffee House", "VALUE"))
    evil_report["profiles"][0] |= {"column": EVIL, "commonest": [[EVIL, 5]]}
    evil_report["findings"] = [{"code": "x", "severity": "warning", "message": EVIL, "row": 1, "column": EVIL}]
    dataset = store.add_dataset(NewDataset(EVIL, {}, path=table)).id
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, evil_report)
    store.submit(NewJob(SEARCH, "films", dataset, {"learning": {}, "run": {}}))
    running = store.claim("trainer", 60.0, 1)
    assert running is not None
    store.fail(running.id, running.token, {"code": "training", "detail": EVIL})
    live.json("POST", "/v1/keys", json={"name": EVIL, "scopes": ["read"]})
    shown = {
        "/": "films", "/datasets": EVIL, f"/datasets/{dataset}": EVIL, f"/datasets/{dataset}/columns": EVIL, "/searches/new": EVIL,
        f"/searches/{running.id}": EVIL, "/keys": EVIL,
    }  # fmt: skip
    page = visit(live.url)
    for path, text in shown.items():
        page.goto(f"{live.url}/#{path}")
        page.locator("main h1").wait_for()

        assert text in page.locator("main").text_content(), path
        assert page.locator("main img, main script").count() == 0, path
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDE, path


def test_a_page_outlives_the_service(live: LiveServer, published: Callable[..., Path], visit: Visit) -> None:
    """It says that nobody answers, and goes on by itself when somebody does."""
    published()
    page = visit(live.url, MODEL)
    page.get_by_role("heading", name="films", exact=True).wait_for()
    live.end()
    page.evaluate("location.hash = '#/models'")
    seen(page, "The service does not answer.")
    with LiveServer(live.settings, live.port):
        page.get_by_role("link", name="films").first.wait_for()
        page.get_by_text("The service does not answer.").wait_for(state="hidden")


def test_a_live_search_goes_on_after_a_restart(live: LiveServer, store: SqlStore, table: str, visit: Visit) -> None:
    """Its events are read again from the one after the last, and its end is shown."""
    job = submitted(store, table)
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, REPORT)
    running = store.claim("trainer", 60.0, 1)
    assert running is not None
    page = visit(live.url, f"/searches/{job.id}")
    page.get_by_role("button", name="Cancel").wait_for()
    live.end()
    with LiveServer(live.settings, live.port):
        store.fail(running.id, running.token, {"code": "training", "detail": "The rows ran out."})
        seen(page, "The rows ran out.")
        page.get_by_role("button", name="Resume").wait_for()


def test_long_lists_come_in_pages(live: LiveServer, store: SqlStore, valid_dataset: str, visit: Visit) -> None:
    """Of many searches a page shows 25; the next and the one before are a click away."""
    for number in range(60):
        store.submit(NewJob(SEARCH, f"films-{number}", valid_dataset, {"learning": {}, "run": {}}))
    page = visit(live.url, "/searches")
    page.get_by_role("link", name="films-59").wait_for()
    assert page.locator("tbody tr").count() == 25
    page.get_by_role("button", name="Older").click()
    page.get_by_role("link", name="films-34").wait_for()
    page.get_by_role("button", name="Newer").click()
    page.get_by_role("link", name="films-59").wait_for()


@pytest.mark.parametrize("width", [380, NARROW, 768, WIDE, 1600])
def test_no_page_is_wider_than_the_window(width: int, live: LiveServer, published: Callable[..., Path], visit: Visit) -> None:
    """From a telephone to a large screen."""
    run = published()
    page = visit(live.url, "/", width)
    for path in (*PAGES, f"/searches/{run.name}"):
        page.goto(f"{live.url}/#{path}")
        page.locator("main h1").wait_for()

        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_axe_finds_nothing(width: int, theme: str, live: LiveServer, published: Callable[..., Path], visit: Visit) -> None:
    """No violation of WCAG 2.2 A or AA on any page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    run = published()
    published()
    dataset = live.json("GET", "/v1/datasets")["datasets"][0]["id"]
    page = visit(live.url, "/", width, theme)
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    for path in (*PAGES, f"/searches/{run.name}", f"/datasets/{dataset}", "/nothing"):
        page.goto(f"{live.url}/#{path}")
        page.locator("main h1, main .empty h2").first.wait_for()
        found = axe.run(page, options=options).response["violations"]

        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], path


def test_a_keyboard_is_enough(live: LiveServer, published: Callable[..., Path], visit: Visit) -> None:
    """The first stop skips the navigation; a page that opens takes the focus to its title; Enter follows a link."""
    published()
    page = visit(live.url)
    page.get_by_role("heading", name="Overview").wait_for()
    page.get_by_role("link", name="Models").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Models").wait_for()

    page.locator("h1:focus").wait_for()
    assert page.locator("nav [aria-current]").inner_text().strip() == "Models"
