"""The report of a run as a browser shows it: drawn from the file alone, at every width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ihas_pipelines.reports.plot_files import write_plots
from ihas_pipelines.reports.report import write_report
from tests.pipelines.result_factory import run_result
from tests.service.dashboard.conftest import NARROW, WIDE, Visit, a_page
from tests.service.live import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.full, pytest.mark.slow]

DRAWN = "document.querySelectorAll('.js-plotly-plot .main-svg').length >= document.querySelectorAll('[data-figure]').length"
OVER_EACH_OTHER = """() => [...document.querySelectorAll('[data-figure]')].flatMap((place) => {
  const visible = (one) => one.textContent.trim() && getComputedStyle(one).visibility !== 'hidden';
  const shown = [...place.querySelectorAll('svg text')].filter(visible);
  const boxes = shown.map((one) => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  return boxes.flatMap(([text, box], number) => boxes.slice(0, number).filter(([, other]) => {
    const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
    return across > 2 && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 3;
  }).map(([other]) => `${place.dataset.figure}: ${text} over ${other}`));
})"""

OUTSIDE = """() => [...document.querySelectorAll('[data-figure]')].flatMap((place) => {
  const frame = place.getBoundingClientRect();
  const shown = [...place.querySelectorAll('svg text')].filter((one) => getComputedStyle(one).visibility !== 'hidden');
  const boxes = shown.map((one) => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  const out = boxes.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1);
  return out.map(([text]) => `${place.dataset.figure}: ${text}`);
})"""


@pytest.mark.parametrize("width", [380, NARROW, 768, WIDE, 1600])
def test_a_report_is_drawn_from_the_file_alone(width: int, browser: Browser, tmp_path: Path) -> None:
    """Every figure, with plotly packed and in part; no label over another or cut off, nothing wider than the window; axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    write_report(run_result(), tmp_path / "report.html")
    with a_page(browser, width, "dark" if width in (NARROW, 1600) else "light") as page:
        faults: list[str] = []
        page.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_function(DRAWN)
        options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}

        assert page.evaluate(OVER_EACH_OTHER) == []
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults == []
        found = axe.run(page, options=options).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


@pytest.mark.parametrize("width", [NARROW, 768, WIDE, 1600])
def test_a_report_inside_the_page_is_the_same(width: int, live: LiveServer, published: Callable[..., Path], visit: Visit) -> None:
    """The same figures under the same demands: no label over another or cut off, nothing wider than the window, nothing for axe."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    result = run_result()
    run = published(result=result.model_dump(mode="json"))
    write_plots(result, run)
    page = visit(live.url, f"/searches/{run.name}", width, "dark" if width in (NARROW, 1600) else "light")
    page.locator("figure .plot").first.wait_for()
    for plot in page.locator("figure .plot").all():
        plot.locator(".main-svg").first.wait_for()
    named = [text.replace("[data-figure]", ".js-plotly-plot").replace("dataset.figure", "ariaLabel") for text in (OVER_EACH_OTHER, OUTSIDE)]

    assert page.locator("figure .plot").count() >= 6
    assert [page.evaluate(text) for text in named] == [[], []]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
