"""The dashboard's files: whole without another host, nothing inside the page that a policy must forgive."""

from __future__ import annotations

import re

from ihas_service.dashboard.assets import NAMES, STATIC
from ihas_service.settings import Settings
from tests.service.live import LiveServer

IMPORT = re.compile(r'from "\./([\w.]+)"|import\("\./([\w.]+)"\)')


def test_the_page_loads_from_this_service_alone(live: LiveServer) -> None:
    """What it names is there; no script and no style stands inside; its policy admits this host only, and no frame."""
    page = live.http.get("/")
    loaded = re.findall(r'(?:src|href)="(dashboard/[^"]+)"', page.text)
    policy = page.headers["content-security-policy"]

    assert page.status_code == 200
    assert {live.http.get(f"/{name}").status_code for name in loaded} == {200}
    assert len(loaded) >= 5
    assert not re.search(r"<script>|<script [^>]*>[^<]|<style|style=|https?://| on\w+=", page.text)
    assert all(part in policy for part in ("default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"))
    assert "unsafe" not in policy
    assert "http" not in policy


def test_scripts_import_what_is_there_and_write_no_markup() -> None:
    """Every import is a file of the package; no script parses text as markup or as a program, or names another host."""
    for name in sorted(NAMES):
        text = (STATIC / name).read_text(encoding="utf-8")
        imported = {one or other for one, other in IMPORT.findall(text)}

        assert imported <= NAMES, name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", text), name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), name


def test_modules_stay_readable() -> None:
    """No file is longer than 400 lines."""
    assert max(len((STATIC / name).read_text(encoding="utf-8").splitlines()) for name in NAMES) <= 400


def test_what_the_page_does_not_load_is_not_there(live: LiveServer) -> None:
    """Neither another file of the package nor one above it."""
    for name in ("assets.py", "..%2fassets.py", "%2e%2e/assets.py", "index.html", "plotly.js"):
        assert live.http.get(f"/dashboard/{name}").status_code == 404


def test_plots_have_their_script(live: LiveServer) -> None:
    """It comes from plotly's own package, and may be kept by a browser."""
    script = live.http.get("/dashboard/plotly.min.js")

    assert script.status_code == 200
    assert "Plotly" in script.text
    assert "max-age" in script.headers["cache-control"]


def test_the_page_needs_no_key_and_what_it_asks_does(guarded: LiveServer) -> None:
    """The files tell nobody anything; the API does."""
    assert guarded.http.get("/").status_code == 200
    assert guarded.http.get("/dashboard/app.js").status_code == 200
    assert guarded.http.get("/v1/caller").status_code == 401


def test_it_can_be_turned_off(settings: Settings) -> None:
    """With `IHAS_DASHBOARD=false`, `/` is nothing."""
    with LiveServer(settings.model_copy(update={"dashboard": False})) as live:
        assert live.http.get("/").status_code == 404
        assert live.http.get("/dashboard/app.js").status_code == 404


def test_all_modules_are_fetched_at_once(live: LiveServer) -> None:
    """The page names every module that its first script reaches: none waits for the one that imports it."""
    named = set(re.findall(r'<link rel="modulepreload" href="dashboard/([\w.]+)">', live.http.get("/").text))
    reached, waiting = set(), ["app.js"]
    while waiting:
        found = set(re.findall(r'from "\./([\w.]+)"', (STATIC / waiting.pop()).read_text(encoding="utf-8")))
        waiting += sorted(found - reached)
        reached |= found

    assert named == reached
    assert len(reached) >= 40
