"""The README's picture of the dashboard: `python -m tests.service.dashboard.screenshot [--url URL] [--to FILE]`.

Without `--url` a service of its own searches the coupon data for some minutes first; with it, the service's first model is shown.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from tests.clock import HANG_S
from tests.paths import COUPON, ROOT
from tests.service.conftest import RunningWorker, eventually
from tests.service.dashboard.conftest import CHROMIUM, OPTIONS
from tests.service.live import LiveServer

FILE = "in-vehicle-coupon-recommendation.csv.gz"
SIZE = {"width": 1280, "height": 860}
LEARNING: dict[str, Any] = {"training": {"epochs": 8}, "search": {"epochs": 2}, "distil": {"members": 2}}
SEARCH_S = 3_600.0


def searched(live: LiveServer) -> None:
    """The model `coupon`, from a search on the coupon data."""
    columns = {"label": "Y", "item_id": "Coupon", "item": ["Coupon"]}
    dataset = live.json("POST", "/v1/datasets", json={"name": "coupons", "columns": columns})["id"]
    live.json("PUT", f"/v1/datasets/{dataset}/content", content=(COUPON / FILE).read_bytes())
    eventually(lambda: live.json("GET", f"/v1/datasets/{dataset}")["state"] == "valid")
    search = live.json("POST", "/v1/searches", json={"name": "coupon", "dataset_id": dataset, "learning": LEARNING})["id"]
    eventually(lambda: live.json("GET", f"/v1/searches/{search}")["state"] == "succeeded", SEARCH_S)


@contextmanager
def service(url: str | None) -> Iterator[str]:
    """Address of a service that has a model."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(folder=Path(folder) / "runs")
        with LiveServer(settings) as live, RunningWorker(settings, PIPELINES):
            searched(live)
            yield live.url


def show(page: Page, url: str) -> None:
    """Recommendations with the first one's explanation open."""
    name = httpx.get(f"{url}/v1/models", timeout=HANG_S).json()["models"][0]["name"]
    page.goto(f"{url}/#/try?model={name}")
    for field, value in (("Age", "21"), ("Passanger", "Friend(s)"), ("Time", "6PM"), ("Weather", "Sunny")):
        page.get_by_label(field, exact=True).fill(value)
    page.get_by_role("button", name="Recommend").click()
    page.locator(".item summary").first.click()
    page.evaluate("scrollTo(0, document.querySelector('.items').closest('.card').offsetTop - 24)")


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images" / "dashboard.png")
    asked = parser.parse_args()
    asked.to.parent.mkdir(exist_ok=True)
    with service(asked.url) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        show(page, url)
        page.screenshot(path=asked.to)
        browser.close()


if __name__ == "__main__":
    main()
