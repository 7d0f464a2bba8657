"""A newcomer's whole way through the dashboard, in clicks alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAME = "shop"
SEARCH_MS = 1_500_000


def write_clicks(path: Path, rows: int = 900) -> Path:
    """A table whose click is called `bought`, which nothing guesses: visitors of a kind buy items of that kind more often."""
    rng = np.random.default_rng(0)
    taste, item, device = rng.integers(0, 4, rows), rng.integers(0, 12, rows), rng.integers(0, 3, rows)
    bought = rng.random(rows) < np.where(item % 4 == taste, 0.7, 0.2)
    lines = [
        f"t{who},i{what},k{what % 4},{('phone', 'tablet', 'desk')[where]},{int(yes)}"
        for who, what, where, yes in zip(taste.tolist(), item.tolist(), device.tolist(), bought.tolist(), strict=True)
    ]
    path.write_text("\n".join(["taste,article,shelf,device,bought", *lines, ""]))
    return path


def uploads(page: Page, file: Path) -> None:
    """Choose the file, say what is the click and what describes the item, and wait for the check."""
    page.get_by_role("link", name="Upload a table").first.click()
    page.get_by_label("Your table of clicks").set_input_files(str(file))
    page.get_by_text("No column is named as the click").wait_for()
    page.get_by_label("Use of bought").select_option("label")
    page.get_by_label("Name of the data set").fill(NAME)
    page.get_by_role("button", name="Upload and check").click()
    page.get_by_role("link", name="Correct the columns").wait_for()
    page.get_by_role("link", name="Correct the columns").click()
    page.get_by_label("Use of shelf").select_option("item")
    page.get_by_role("button", name="Check again with these columns").click()
    page.get_by_role("link", name="Start a search").wait_for()


def searches(page: Page) -> None:
    """Start a quick search, watch it, read what it found, and run it once more."""
    page.get_by_role("link", name="Start a search").click()
    page.get_by_label("A quick look").check()
    page.get_by_role("button", name="Start the search").click()
    page.get_by_role("heading", name="Learning curves").wait_for(timeout=SEARCH_MS)
    page.get_by_role("heading", name="What next").wait_for(timeout=SEARCH_MS)
    page.locator(".plot.js-plotly-plot").first.wait_for()
    first = page.url
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: url != first)
    page.get_by_role("heading", name="What next").wait_for(timeout=SEARCH_MS)


def compares(page: Page) -> None:
    """Tick both searches and see them side by side."""
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Searches").click()
    for version in (1, 2):
        page.get_by_label(f"Compare {NAME}, version {version}").check()
    page.get_by_role("button", name="Compare 2").click()
    page.get_by_role("heading", name="Compare 2 searches").wait_for()


def releases(page: Page) -> None:
    """The first version serves: try it, send a canary some requests, promote it, and go back."""
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Models").click()
    page.get_by_role("link", name=NAME, exact=True).click()
    page.get_by_text("Version 1 gets all requests.").wait_for()
    page.get_by_role("link", name="Try it").last.click()
    page.get_by_label("taste").fill("t1")
    page.get_by_role("button", name="Recommend").click()
    page.locator(".item summary").first.click()
    page.get_by_text("What moves the score").first.wait_for()
    page.get_by_label("taste").fill("t2")
    page.get_by_role("button", name="What if?").click()
    page.get_by_text("Changed: taste = t2.").wait_for()
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Models").click()
    page.get_by_role("link", name=NAME, exact=True).click()
    page.get_by_role("button", name="Start the canary").click()
    page.get_by_text("Version 2 gets 5 % of the requests").first.wait_for()
    page.get_by_role("button", name="Stop the canary").click()
    page.get_by_text("Version 1 gets all requests.").wait_for()
    page.get_by_role("button", name="Promote version 2").click()
    asked, told = page.get_by_role("button", name="Promote it all the same"), page.get_by_text("Version 2 answers now.")
    asked.or_(told).first.wait_for()
    if asked.is_visible():  # so few rows need not meet the gates
        asked.click()
    told.wait_for()
    page.get_by_role("button", name="Roll back").click()
    page.get_by_text("Version 1 answers again.").wait_for()


def deletes(page: Page) -> None:
    """Delete the model and the data set."""
    page.locator(".head").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("No models yet").wait_for()
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Data").click()
    page.get_by_role("link", name=NAME, exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("No data yet").wait_for()
