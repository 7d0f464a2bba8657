"""A model's schedule in real Chromium: set, seen, changed and deleted; what it missed is told."""

from __future__ import annotations

import pytest

from ihas_service.auth.scopes import Scope
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import SCHEDULES
from tests.service.conftest import Publish
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, key_of
from tests.service.dashboard.test_pages import EVIL, seen
from tests.service.http.routes.test_refreshes import with_run
from tests.service.http.routes.test_schedules import PATH, nightly
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]

PAGE = "/models/films"


def test_a_schedule_is_set_changed_and_deleted(live: LiveServer, publish: Publish, valid_dataset: str, visit: Visit) -> None:
    """By choices and a time; another expression can be written, a figure stated, and what cannot be is told."""
    with_run(publish)
    page = visit(live.url, PAGE)
    seen(page, "None: this model is refreshed only by a person.")
    page.get_by_label("How often").select_option("day")
    page.get_by_label("At", exact=True).fill("04:30")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_label("The new version goes live").select_option("passing")
    page.get_by_role("button", name="Set the schedule").click()
    seen(page, "Every day at 04:30, Europe/Berlin")
    found = live.json("GET", PATH)["settings"]
    assert (found["cron"], found["refresh"]["auto_promote"]) == ("30 4 * * *", "passing")

    page.get_by_text("Change it").click()
    page.get_by_label("How often").select_option("cron")
    page.get_by_label("Times", exact=True).fill("*/5 * * * *")
    page.get_by_role("button", name="Change the schedule").click()
    seen(page, "10 minutes between two runs")
    page.get_by_label("How often").select_option("figure")
    page.get_by_label("Click rate below, percent").fill("2.5")
    page.get_by_role("button", name="Change the schedule").click()
    seen(page, "Click rate below 2.5 %")
    found = live.json("GET", PATH)["settings"]
    assert (found["triggers"]["click_through_below"], found["cron"], found["refresh"]["auto_promote"]) == (0.025, None, "passing")

    page.get_by_role("button", name="Delete the schedule").click()
    page.get_by_role("button", name="Delete it").click()
    seen(page, "None: this model is refreshed only by a person.")
    assert live.json("GET", "/v1/schedules")["schedules"] == []


def test_missed_runs_and_errors_are_told(live: LiveServer, store: SqlStore, publish: Publish, valid_dataset: str, visit: Visit) -> None:
    """On the model's page and among what needs attention; a name in an error stays text."""
    with_run(publish)
    live.json("PUT", PATH, json=nightly(valid_dataset))
    late = {"missed": 2, "missed_at": [1.7e9, 1.7001e9], "skipped": 3, "skipped_at": 1.7e9, "error": EVIL, "error_at": 1.7e9}
    store.write(lambda connection: connection.execute(SCHEDULES.update().values(**late)))
    page = visit(live.url, PAGE)
    seen(page, "2 runs were missed because the service did not run")
    seen(page, "3, since the run before was still at work")
    assert f"The last run could not start: {EVIL}" in page.locator("main").text_content()
    page.goto(f"{live.url}/#/")
    seen(page, "run missed")

    assert EVIL in page.locator("main").text_content()
    assert page.locator("main img, main script").count() == 0


def test_who_may_only_read_sees_the_schedule_alone(
    guarded: LiveServer, publish: Publish, valid_dataset: str, new_headers: NewKey, visit: Visit
) -> None:
    """Without a form and without buttons."""
    with_run(publish)
    guarded.http.headers.update(new_headers())
    guarded.json("PUT", PATH, json=nightly(valid_dataset))
    page = visit(guarded.url, PAGE, key=key_of(new_headers(scopes=frozenset({Scope.READ}))))
    seen(page, "Every day at 03:00, UTC")

    assert page.locator("main button, main input, main select, main a.button").count() == 0


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_it_fits(width: int, live: LiveServer, publish: Publish, valid_dataset: str, visit: Visit) -> None:
    """At every width, with the form open, in both themes by turns; axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with_run(publish)
    live.json("PUT", PATH, json=nightly(valid_dataset))
    page = visit(live.url, PAGE, width, "dark" if width in (NARROW, 1600) else "light")
    page.get_by_text("Change it").click()
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
