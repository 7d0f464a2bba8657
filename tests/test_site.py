"""The site of the pages: every page has its place, and it builds, offline."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import ihas
from ihas_service.cli.examples import EXAMPLES
from ihas_service.cli.help import commands_of
from ihas_service.cli.main import app
from ihas_service.http.problems import KINDS
from ihas_service.settings import Settings
from tests.paths import ROOT

DOCS = ROOT / "docs"
WRITTEN = [*(DOCS / "start").glob("*.md"), *(DOCS / "howto").glob("*.md"), *(DOCS / "concepts").glob("*.md"), DOCS / "comparison.md"]
"""Pages that name commands and settings without output that a test compares."""
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
LOADED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc=["'](?:https?:)?//|<link\b[^>]*\brel=["']stylesheet["'][^>]*\bhref=["'](?:https?:)?//"""
)


def _entries(page: Path) -> list[Path]:
    """Pages that the toctrees of a page name, in order."""
    found: list[Path] = []
    for tree in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for line in filter(None, (line.strip() for line in tree.splitlines())):
            if not line.startswith(":"):
                found += sorted(page.parent.glob(f"{line}.md")) if "*" in line else [(page.parent / f"{line}.md").resolve()]
    return found


def test_every_page_is_in_one_toctree() -> None:
    """From the first page every other one is reached, by exactly one toctree."""
    placed = [entry for page in sorted(DOCS.rglob("*.md")) for entry in _entries(page)]
    assert sorted(placed) == sorted(set(DOCS.rglob("*.md")) - {DOCS / "index.md"})


def test_commands_of_the_pages_exist() -> None:
    """Every `ihas ...` of a page of tasks is a command, and has the options that stand with it."""
    parameters = {words: command.get_params(context) for words, command, context in commands_of(typer.main.get_command(app))}
    options = {words: {name for one in found for name in (*one.opts, *one.secondary_opts)} for words, found in parameters.items()}
    wrong: list[str] = []
    for page in WRITTEN:
        for line in re.findall(r"\bihas ([a-z][^`#\n|]*)", page.read_text(encoding="utf-8")):
            words = tuple(line.split()[:2]) if tuple(line.split()[:2]) in options else tuple(line.split()[:1])
            if words == ("search",) and line.split()[1].endswith(".toml"):
                words = ("search", "here")
            known = options.get(words, set()) | {"--output"}
            if words not in options or not set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known:
                wrong.append(f"{page.name}: ihas {line}")
    assert wrong == []


def test_settings_of_the_pages_exist() -> None:
    """Every IHAS_* variable of a page of tasks is a setting of the service, or one that the client reads."""
    known = {f"IHAS_{name.upper()}" for name in Settings.model_fields} | {"IHAS_URL", "IHAS_API_KEY"}
    named = {name for page in WRITTEN for name in re.findall(r"\bIHAS_[A-Z_]+\b", page.read_text(encoding="utf-8"))}
    assert named - known == set()


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", "--jobs", "2"]
    return subprocess.run([*command, str(DOCS), str(folder)], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    done = _build(folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-4_000:]
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_builds_without_a_warning(site: Path) -> None:
    """Every page of docs/ is there; a broken link, an unknown anchor or a page without a place would have been a warning."""
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """No script, style or picture of another host: the site works where there is no network."""
    assert [page.name for page in site.rglob("*.html") if LOADED.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_reference_has_every_name_command_route_and_error(site: Path) -> None:
    """What is written from the code as the site is built is whole."""

    def read(name: str) -> str:
        return re.sub(r"<[^>]+>", "", (site / "reference" / f"{name}.html").read_text(encoding="utf-8"))

    python, commands, errors, routes = read("python"), read("commands"), read("errors"), read("http")
    assert [name for name in ihas.NAMES if f"ihas.{name}" not in python] == []
    assert [name for name in EXAMPLES if f"ihas {name}" not in commands] == []
    assert [kind for kind, _, _ in KINDS.values() if kind not in errors] == []
    assert "POST /v1/models/{name}/recommend" in routes
