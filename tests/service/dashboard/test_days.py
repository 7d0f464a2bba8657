"""A model's days in real Chromium: each by itself, told by the windows of the public API."""

from __future__ import annotations

import pytest

from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import FEEDBACK
from tests.service.conftest import Publish
from tests.service.dashboard.conftest import NARROW, WIDE, Visit
from tests.service.dashboard.releasing import clicked, released
from tests.service.dashboard.test_pages import seen
from tests.service.dashboard.test_report_page import OUTSIDE, OVER_EACH_OTHER
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.slow]

PAGE = "/models/films"
DAY_S = 86_400.0
PLOT = "Click rate, calibration"


def a_day_passes(store: SqlStore) -> None:
    """Everything that was reported lies a day further back."""
    store.write(lambda connection: connection.execute(FEEDBACK.update().values(at=FEEDBACK.c.at - DAY_S)))


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_days_are_drawn_from_the_second_on(width: int, live: LiveServer, store: SqlStore, publish: Publish, visit: Visit) -> None:
    """One day is told in words; of two there is a plot with the interval of each, and a line on the home page with its own."""
    released(publish)
    clicked(live, people=4, liked=1)
    page = visit(live.url, PAGE, width)
    seen(page, "A line comes with the second day")

    a_day_passes(store)
    clicked(live, people=4, liked=1)
    page.goto(f"{live.url}/#/")
    page.get_by_role("img", name="Click rate by day").wait_for()
    seen(page, "(95 %)")
    page.goto(f"{live.url}/#{PAGE}")
    page.get_by_role("img", name=PLOT).locator(".main-svg").first.wait_for()
    drawn = page.evaluate("document.querySelector('[aria-label^=\"Click rate, calibration\"]').data[0]")

    assert drawn["y"][-2:] == [1.0, 1.0]
    assert drawn["error_y"]["arrayminus"][-1] > 0.3
    named = [text.replace("[data-figure]", ".js-plotly-plot").replace("dataset.figure", "ariaLabel") for text in (OVER_EACH_OTHER, OUTSIDE)]
    assert [page.evaluate(text) for text in named] == [[], []]
