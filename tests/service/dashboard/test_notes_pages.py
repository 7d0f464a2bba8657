"""Notes, tags and long lists of searches, in real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ihas.results.run_result import FrontierPoint
from ihas_service.auth.scopes import Scope
from ihas_service.http.examples.searches import RESULT
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import JOBS
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, key_of
from tests.service.dashboard.test_pages import EVIL, seen
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]

MANY = 10_000
TAG = EVIL[:40]
VARIANTS: Any = RESULT["variants"]
POINTS = [
    FrontierPoint(
        name=one["name"],
        num_groups=one["num_groups"],
        valid=one["valid"],
        test=one["test"],
        multiply_adds=one["cost"]["multiply_adds"],
        parameters=one["cost"]["parameters_total"],
        memory_bytes=1,
        row_p99_us=1.0,
        candidates=500,
        candidates_p99_us=1.0,
    ).model_dump(mode="json")
    for one in VARIANTS
]


@pytest.fixture
def pair(published: Callable[..., Path]) -> str:
    """Ids of two searches that succeeded, with points to choose from, as the page's address has them."""
    return ",".join(published(result={**RESULT, "frontier": POINTS}).name for _ in range(2))


def test_notes_are_written_where_searches_are_compared(live: LiveServer, pair: str, visit: Visit) -> None:
    """They stand on the search's page and their tags in the list, as text; a search that is deleted leaves the comparison."""
    first = pair.split(",", maxsplit=1)[0]
    page = visit(live.url, f"/searches/compare?ids={pair}")
    page.locator(".xtick text").nth(2).wait_for()  # costs have marks, however near they are
    page.get_by_role("textbox", name="Note of films 1").fill(EVIL)
    page.get_by_role("textbox", name="Tags of films 1").fill(f" spring ,, {TAG}")
    page.get_by_role("button", name="Save the note of films 1").click()
    seen(page, "The note is kept.")
    assert live.json("GET", f"/v1/searches/{first}")["tags"] == ["spring", TAG.strip()]

    page.goto(f"{live.url}/#/searches")
    page.get_by_text("spring", exact=True).wait_for()
    assert page.locator("main img, main script").count() == 0
    page.goto(f"{live.url}/#/searches/{first}")
    page.get_by_role("heading", name="Notes").wait_for()
    assert page.get_by_label("Note", exact=True).input_value() == EVIL
    assert page.locator("main img, main script").count() == 0

    page.goto(f"{live.url}/#/searches/compare?ids={pair}")
    page.get_by_role("button", name="Delete films 1").click()
    page.get_by_role("button", name="Delete it").click()
    seen(page, "Delete that version first")


def test_who_may_only_read_sees_notes(guarded: LiveServer, pair: str, new_headers: NewKey, visit: Visit) -> None:
    """And no form for them; another tenant finds neither the searches nor what was written."""
    guarded.json(
        "PUT", f"/v1/searches/{pair.split(',', maxsplit=1)[0]}/note", json={"note": "Baseline.", "tags": ["may"]}, headers=new_headers()
    )
    page = visit(guarded.url, f"/searches/compare?ids={pair}", key=key_of(new_headers(scopes=frozenset({Scope.READ}))))
    seen(page, "Baseline.")
    assert page.locator("main button, main input, main textarea").count() == 0
    other = visit(guarded.url, f"/searches/compare?ids={pair}", key=key_of(new_headers("acme")))
    seen(other, "There is nothing here")


def test_more_than_are_compared_is_told(live: LiveServer, pair: str, visit: Visit) -> None:
    """102 ids: the first hundred are shown, and the page says so."""
    page = visit(live.url, f"/searches/compare?ids={','.join([pair] * 51)}")
    seen(page, "Compare 100 searches")
    seen(page, "At most 100 searches are compared at a time, but 102 were ticked: these are the first.")


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_it_fits(width: int, live: LiveServer, pair: str, visit: Visit) -> None:
    """Also with one long word; in both themes by turns, axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for one in pair.split(","):
        live.json("PUT", f"/v1/searches/{one}/note", json={"note": "n" * 500, "tags": ["t" * 40, "spring"]})
    page = visit(live.url, f"/searches/compare?ids={pair}", width, "dark" if width in (NARROW, 1600) else "light")
    page.get_by_role("heading", name="Notes").wait_for()
    page.locator(".plot.js-plotly-plot").first.wait_for()
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


def test_ten_thousand_searches_come_in_pages(live: LiveServer, store: SqlStore, valid_dataset: str, visit: Visit) -> None:
    """A page of the list holds 25 of them whatever their number, forwards and back."""
    one = store.submit(NewJob(SEARCH, "films", valid_dataset, {"learning": {}, "run": {}}))
    row = dict(store.read(sa.select(JOBS).where(JOBS.c.id == one.id))[0])
    rows = [{**row, "number": row["number"] + at, "id": f"sr_{at}", "name": f"films-{at}"} for at in range(1, MANY)]
    store.write(lambda connection: connection.execute(JOBS.insert(), rows))
    page = visit(live.url, "/searches")
    for newest in (MANY - 1, MANY - 26, MANY - 51):
        page.get_by_role("link", name=f"films-{newest}", exact=True).wait_for()
        assert page.locator("tbody tr").count() == 25
        page.get_by_role("button", name="Older").click()
    page.get_by_text("Page 4").wait_for()
    page.get_by_role("button", name="Newer").click()
    page.get_by_role("link", name=f"films-{MANY - 51}", exact=True).wait_for()
    page.goto(f"{live.url}/#/")
    page.get_by_role("link", name=f"films-{MANY - 1}", exact=True).wait_for()
