"""Real Chromium on the dashboard of a real service; skipped with a reason where there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ihas_service.http.examples.searches import RESULT
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import Publish, add_table
from tests.service.dashboard.growing import COLUMNS, USER, accepted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE, NARROW = 1400, 390
Visit = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it."""
    if CHROMIUM is None:
        pytest.skip("There is no Chromium: apt-get install chromium.")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright drives Chromium: make setup.")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield found
        found.close()


@contextmanager
def a_page(browser: Browser, width: int = WIDE, theme: str = "light") -> Iterator[Page]:
    """A page of a visitor of its own, in whose console nothing goes wrong."""
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(HANG_S * 1_000)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(f"A script of a name ran: {dialog.message}"))
        yield page
        assert faults == []


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens the dashboard of a service: `visit(url, path, width, theme, key)`."""
    open_pages = []

    def opened(url: str, path: str = "/", width: int = WIDE, theme: str = "light", key: str | None = None) -> Page:
        entered = a_page(browser, width, theme)
        open_pages.append(entered)
        page = entered.__enter__()
        if key is not None:
            page.add_init_script(f"sessionStorage.setItem('ihas-key', {json.dumps(key)})")
        page.goto(f"{url}/#{path}")
        return page

    yield opened
    for one in open_pages:
        one.__exit__(None, None, None)


@pytest.fixture
def published(publish: Publish) -> Callable[..., Path]:
    """Registers versions whose searches have a result, a log, plots and a report; gives the run's folder."""

    def register(name: str = "films", result: dict[str, object] | None = None) -> Path:
        run = publish(name).parent
        (run / "result.json").write_text(json.dumps(result or {**RESULT, "frontier": []}))
        (run / "plots").mkdir()
        (run / "plots" / "auc.json").write_text(json.dumps({"data": [{"type": "bar", "x": [0.7858], "y": ["static"]}], "layout": {}}))
        (run / "report.html").write_text("<!doctype html>")
        (run / "log.txt").write_text("Epoch 1.\n")
        return run

    return register


def key_of(headers: dict[str, str]) -> str:
    """Text of the key that headers carry."""
    return headers["authorization"].removeprefix("Bearer ")


@pytest.fixture
def known(store: SqlStore, table: str, publish: Publish) -> None:
    """A version of the bundle, which knows its users, whose data set has a report of its columns."""
    add_table(store, table)
    accepted(store, columns=COLUMNS, profiles=[USER])
    publish()
