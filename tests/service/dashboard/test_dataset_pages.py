"""A data set that grows, in real Chromium: what each append changed, another append, limits, and the newest version deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.rates import wilson
from ihas_service.auth.scopes import Scope
from ihas_service.http.examples.searches import REPORT
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import eventually
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, key_of
from tests.service.dashboard.growing import FIRST, MORE, MOVED, accepted, grown
from tests.service.dashboard.test_pages import EVIL, seen
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]


def test_versions_say_what_changed(live: LiveServer, store: SqlStore, visit: Visit) -> None:
    """The page of the data set names the refused append; that of a version has drift, new values, and the click rate with its interval."""
    dataset = grown(live, store)
    page = visit(live.url, f"/datasets/{dataset}")
    seen(page, "Version 3 was refused; version 2 stays in use")
    seen(page, "1 field moved")
    seen(page, "Click rate 56.8 % → 48.0 %")
    page.get_by_role("link", name="Version 2", exact=True).click()
    seen(page, "−8.8 points (−13.6 to −4.0), 95 %")

    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Coupon"))
    assert [text.split("\n")[0] for text in row.get_by_role("cell").all_inner_texts()] == ["changed", "0.410", "2 values", "0.0 % → 2.0 %"]
    page.goto(f"{live.url}/#/datasets/{dataset}/versions/3")
    seen(page, "These rows were refused")
    seen(page, "above the limit of 0.5")
    page.goto(f"{live.url}/#/datasets/{dataset}/versions/9")
    seen(page, "There is nothing here")


def test_rows_are_appended_and_the_newest_version_deleted(live: LiveServer, store: SqlStore, visit: Visit, tmp_path: Path) -> None:
    """While a file is checked the page says so, and goes on by itself; what is deleted was confirmed."""
    dataset = grown(live, store)
    file = tmp_path / "more.csv"
    file.write_bytes(MORE)
    page = visit(live.url, f"/datasets/{dataset}")
    page.get_by_role("button", name="Append and check").click()
    seen(page, "Choose a file first.")
    page.get_by_label("A file with the same columns").set_input_files(str(file))
    page.get_by_role("button", name="Append and check").click()
    seen(page, "Version 4 is being checked. Until then version 2 is in use")
    accepted(store)
    page.get_by_role("button", name="Delete version 4").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete version 4").click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_role("button", name="Delete version 3").wait_for()

    assert [one["version"] for one in live.json("GET", f"/v1/datasets/{dataset}/versions")["versions"]] == [3, 2, 1]


def test_columns_are_corrected_without_sending_the_file_again(live: LiveServer, store: SqlStore, visit: Visit) -> None:
    """In a tab that never saw the file: the service reads what it has, and the corrected data set takes the place of the one before."""
    first = str(live.json("POST", "/v1/datasets", json={"name": "clicks"})["id"])
    live.json("PUT", f"/v1/datasets/{first}/content", content=FIRST)
    accepted(store)
    page = visit(live.url, f"/datasets/{first}/columns")
    page.get_by_label("Use of Coupon").select_option("ignored")
    assert page.locator("main input[type=file]").count() == 0
    page.get_by_role("button", name="Check again with these columns").click()
    page.wait_for_url(lambda url: not url.endswith(("/columns", first)))
    (left,) = live.json("GET", "/v1/datasets")["datasets"]

    assert (left["name"], left["id"] != first, left["size"]) == ("clicks", True, len(FIRST))
    assert store.dataset(left["id"]).reading["columns"]["ignored"] == ["Coupon"]


def test_limits_are_set_in_percent_and_left_out_again(live: LiveServer, store: SqlStore, visit: Visit) -> None:
    """An empty field is no limit; what cannot be a limit is told as the service says it."""
    dataset = grown(live, store)
    page = visit(live.url, f"/datasets/{dataset}")
    page.get_by_label("Click rate, percent up or down").fill("50")
    page.get_by_label("New values, percent").fill("7")
    page.get_by_role("button", name="Save the limits").click()
    seen(page, "The limits hold for what is appended from now on.")
    limits = live.json("GET", f"/v1/datasets/{dataset}")["limits"]
    assert (limits["click_rate"], limits["new_values"], limits["drift"]) == (0.5, 0.07, None)

    page.get_by_label("New values, percent").fill("")
    page.get_by_label("Drift of a field").fill("-3")
    page.get_by_role("button", name="Save the limits").click()
    seen(page, "`drift`")
    page.get_by_label("Drift of a field").fill("0.4")
    page.get_by_role("button", name="Save the limits").click()
    wanted = {"click_rate": 0.5, "new_values": None, "drift": 0.4, "missing": None}
    eventually(lambda: live.json("GET", f"/v1/datasets/{dataset}")["limits"] == wanted)


def test_who_may_only_read_sees_versions_and_limits(guarded: LiveServer, store: SqlStore, new_headers: NewKey, visit: Visit) -> None:
    """And nothing to append, to change or to delete; another tenant finds nothing."""
    guarded.http.headers.update(new_headers())
    dataset = grown(guarded, store)
    reader = key_of(new_headers(scopes=frozenset({Scope.READ})))
    page = visit(guarded.url, f"/datasets/{dataset}", key=reader)
    seen(page, "1 field moved")
    seen(page, "no limit")
    assert page.locator("main button, main input, main a.button").count() == 0
    other = visit(guarded.url, f"/datasets/{dataset}/versions/2", key=key_of(new_headers("acme")))
    seen(other, "There is nothing here")


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_it_fits_and_names_stay_texts(width: int, live: LiveServer, store: SqlStore, visit: Visit) -> None:
    """At every width, in both themes by turns, axe finds nothing, and a name or an error is no markup."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    dataset = grown(live, store, EVIL, EVIL)
    page = visit(live.url, "/", width, "dark" if width in (NARROW, 1600) else "light")
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    for path in ("", "/versions/2", "/versions/3"):
        page.goto(f"{live.url}/#/datasets/{dataset}{path}")
        page.locator("main h1").wait_for()
        found = axe.run(page, options=options).response["violations"]

        assert EVIL in page.locator("main").text_content()
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], path


def part(value: str | None, rows: int, clicks: int | None, start: float | None = None, end: float | None = None) -> dict[str, object]:
    """A part of a column, whose click rate has an interval where it is known."""
    low, high = (None, None) if clicks is None else wilson(clicks, rows)
    return {"value": value, "start": start, "end": end, "rows": rows, "clicks": clicks, "low": low, "high": high}


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_a_column_shows_its_ranges_its_click_rates_and_its_drift(width: int, live: LiveServer, store: SqlStore, visit: Visit) -> None:
    """A drawing of ranges with words for it, click rates with intervals, drift to the version before; axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    coupon = {**REPORT["profiles"][0], "parts": [part(EVIL, 40, 10), part("Bar", 60, 30)]}
    age = {**coupon, "column": "Age", "kind": "numeric", "quantiles": [21.0, 26.0, 31.0, 41.0, 50.0]}
    age["parts"] = [part(None, 70, 14, 21.0, 35.5), part(None, 30, 3, 35.5, 50.0)]
    dataset = str(live.json("POST", "/v1/datasets", json={"name": "clicks"})["id"])
    live.json("PUT", f"/v1/datasets/{dataset}/content", content=FIRST)
    accepted(store)
    live.json("POST", f"/v1/datasets/{dataset}/append", content=MORE)
    accepted(store, changes=MOVED, profiles=[coupon, age])
    page = visit(live.url, f"/datasets/{dataset}", width, "dark" if width in (NARROW, 1600) else "light")
    seen(page, "drift 0.410 to the version before")
    page.get_by_role("img", name="Rows by range of Age: 21 to 35.5, 70; 35.5 to 50, 30").wait_for()
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    seen(page, "25.0 % (14.2 % to 40.2 %)")
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]

    assert page.get_by_role("list", name="Click rate by value of Coupon").locator("strong").first.text_content() == EVIL
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
