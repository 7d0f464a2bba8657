"""Releases in real Chromium: gates, promotion settings, experiments, refreshes, ways back, and rows of what was shown."""

from __future__ import annotations

import pytest

from ihas_service.auth.scopes import Scope
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish, add_table
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, key_of
from tests.service.dashboard.growing import accepted
from tests.service.dashboard.releasing import DETAIL, MODEL, clicked, released, split
from tests.service.dashboard.test_pages import EVIL, seen
from tests.service.http.routes.test_refreshes import with_run
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]

PAGE = "/models/films"


def test_a_version_that_failed_its_gates_says_why_before_it_is_promoted(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """The sentence stands among the gates, and in the question that is asked first; refused, nothing changes."""
    released(publish)
    page = visit(live.url, PAGE)
    seen(page, "gates failed")
    page.locator("summary", has_text="Version 2").click()
    seen(page, DETAIL)
    page.get_by_role("button", name="Promote version 2").click()
    page.get_by_role("dialog").get_by_text(DETAIL).wait_for()
    page.get_by_role("button", name="Keep it").click()
    assert live.json("GET", MODEL)["serving"] == 1
    assert page.get_by_text("waits to be promoted").count() == 2
    page.get_by_role("button", name="Promote version 3").click()
    seen(page, "Version 3 answers now.")
    page.get_by_text("waits to be promoted").nth(1).wait_for(state="detached")


def test_a_model_goes_back_to_a_version_or_to_none(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """None is asked for twice; afterwards the page says that nothing serves, and the history too."""
    released(publish)
    page = visit(live.url, PAGE)
    page.get_by_label("Go back to").select_option("3")
    page.get_by_role("button", name="Roll back").click()
    seen(page, "Version 3 answers again.")
    page.get_by_label("Go back to").select_option("none")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("button", name="Let none answer").click()
    seen(page, "No version answers until one is promoted.")
    page.get_by_role("alert").get_by_text("No version answers", exact=True).wait_for()

    assert live.json("GET", MODEL)["serving"] is None
    assert page.get_by_role("table", name="History").get_by_role("cell", name="none").count() == 1


def test_promotion_settings_are_kept(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """Which versions go live, and a bound of the gates; what cannot be a bound is told."""
    released(publish)
    page = visit(live.url, PAGE)
    page.get_by_label("Go live without a person").select_option("passing")
    page.get_by_text("Bounds of the gates").click()
    page.get_by_label("AUC below the champion's").fill("7")
    page.get_by_role("button", name="Save", exact=True).click()
    seen(page, "`auc_tolerance`")
    page.get_by_label("AUC below the champion's").fill("0.02")
    page.get_by_role("button", name="Save", exact=True).click()
    seen(page, "It holds for versions from now on.")

    kept = live.json("GET", f"{MODEL}/promotion")
    assert (kept["auto_promote"], kept["gates"]["auc_tolerance"]) == ("passing", 0.02)


def test_several_canaries_are_compared_with_intervals(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """Started by clicks, with rules; who is better is told beside the interval, and one can be stopped alone."""
    released(publish)
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    page = visit(live.url, PAGE)
    page.get_by_label("Canary").select_option("2")
    page.get_by_label("Share of the requests").fill("40")
    page.get_by_label("Let iHAS stop what is worse").check()
    page.get_by_label("Difference that matters").fill("0.1")
    page.get_by_role("button", name="Start the canary").click()
    seen(page, "Version 2 gets 40 % of the requests, version 1 the rest.")
    page.get_by_text("Another version").click()
    page.get_by_label("Share of the requests").fill("10")
    page.get_by_role("button", name="Start the canary").click()
    seen(page, "50 % of the requests are shared as below, version 1 the rest.")
    plan = live.json("GET", f"{MODEL}/traffic")
    assert [(one["version"], one["percent"]) for one in plan["canaries"]] == [(2, 40), (3, 10)]
    assert plan["experiment"]["minimum_effect"] == 0.1

    clicked(live)
    page.reload()
    row = page.get_by_role("table", name="Versions of the experiment").get_by_role("row").filter(has_text="Version 2")
    row.get_by_text("better").wait_for()
    assert "+1.0000 (+" in row.inner_text()
    page.get_by_role("button", name="Stop version 2").click()
    seen(page, "Version 3 gets 10 % of the requests, version 1 the rest.")
    page.get_by_role("button", name="Stop the canary").click()
    seen(page, "Version 1 gets all requests.")


def test_a_change_of_somebody_else_is_not_overwritten(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """The page says so, and shows what the other has set."""
    released(publish)
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    page = visit(live.url, PAGE)
    page.get_by_role("button", name="Start the canary").wait_for()
    split(live, canaries=[{"version": 2, "percent": 30}])
    page.get_by_role("button", name="Start the canary").click()
    seen(page, "Version 2 gets 30 % of the requests, version 1 the rest.")
    assert [one["version"] for one in live.json("GET", f"{MODEL}/traffic")["canaries"]] == [2]


def test_lists_are_interleaved(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """One list of two rankings, which a canary beside it leaves as it is."""
    released(publish)
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    page = visit(live.url, PAGE)
    page.get_by_label("How", exact=True).select_option("interleave")
    page.get_by_role("button", name="Interleave").click()
    seen(page, "Version 3: interleaved in 5 % of the lists")
    seen(page, "One list of two rankings")
    page.get_by_text("Another version").click()
    page.get_by_role("button", name="Start the canary").click()
    page.get_by_role("button", name="Stop version 2").wait_for()
    assert live.json("GET", f"{MODEL}/traffic")["interleave"] == {"version": 3, "percent": 5.0}
    page.get_by_role("button", name="Stop interleaving version 3").click()
    seen(page, "Version 2 gets 5 % of the requests, version 1 the rest.")


def test_a_refresh_is_asked_for_and_followed(live: LiveServer, store: SqlStore, publish: Publish, table: str, visit: Visit) -> None:
    """On the model's own data set, though a newer one is there, with what was stated; the model's page leads to it while it waits."""
    with_run(publish)
    own = live.json("GET", f"{MODEL}/versions/1")["dataset_id"]
    add_table(store, table)
    accepted(store)
    page = visit(live.url, PAGE)
    page.locator(".card", has_text="Learns on from its own weights").get_by_text("More").click()
    page.get_by_label("Epochs, at most").fill("1")
    page.get_by_role("button", name="Refresh").click()
    page.get_by_role("button", name="Cancel").wait_for()
    found = live.json("GET", "/v1/searches")["searches"][0]

    assert (found["kind"], found["id"] in page.url, found["dataset_id"]) == ("refresh", True, own)
    assert store.job(found["id"]).settings["refresh"]["settings"]["epochs"] == 1
    assert page.locator(".kicker").inner_text() == "Refresh"
    page.goto(f"{live.url}/#{PAGE}")
    page.locator(".card", has_text="Learns on from its own weights").get_by_role("link", name="films").click()
    page.get_by_role("button", name="Cancel").wait_for()


def test_what_was_shown_becomes_a_data_set(live: LiveServer, publish: Publish, visit: Visit) -> None:
    """Where nothing was shown yet the service's reason is told; afterwards the data set is there, and a file can be saved."""
    released(publish)
    page = visit(live.url, PAGE)
    page.get_by_text("Rows of what was shown").click()
    page.get_by_role("button", name="Make a data set").click()
    seen(page, "A data set needs rows")
    clicked(live, 5, liked=1)
    page.get_by_label("Also rows that people may still click on").check()
    page.get_by_label("Format of the file").select_option("jsonl")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "films.jsonl"
    page.get_by_label("Name of the data set").fill("november")
    page.get_by_role("button", name="Make a data set").click()
    page.get_by_role("heading", name="november").wait_for()


def test_who_may_only_read_sees_what_is_set(guarded: LiveServer, publish: Publish, new_headers: NewKey, visit: Visit) -> None:
    """Gates, settings, shares and figures, and nothing to change."""
    guarded.http.headers.update(new_headers())
    released(publish)
    split(guarded, canaries=[{"version": 2, "percent": 10}, {"version": 3, "percent": 10}])
    page = visit(guarded.url, PAGE, key=key_of(new_headers(scopes=frozenset({Scope.READ}))))
    seen(page, "The first version alone")
    seen(page, "Version 2: 10 %")
    seen(page, "gates failed")
    seen(page, "Counted since")

    assert page.locator("main button, main input, main select, main a.button").count() == 0


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_it_fits_and_what_gates_said_stays_text(width: int, live: LiveServer, publish: Publish, visit: Visit) -> None:
    """At every width, in both themes by turns, with all that can be open opened, axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    released(publish, EVIL)
    live.json("POST", f"{MODEL}/promote", json={"version": 1, "reason": EVIL})
    split(live, canaries=[{"version": 2, "percent": 40}], interleave={"version": 3, "percent": 10}, experiment={"minimum_effect": 0.1})
    clicked(live, 60)
    page = visit(live.url, PAGE, width, "dark" if width in (NARROW, 1600) else "light")
    page.locator("main h1").wait_for()
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]

    assert page.locator("main").text_content().count(EVIL) == 2
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
