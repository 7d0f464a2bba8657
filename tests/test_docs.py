"""What the pages say about the repository is there: files, modules, links."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = re.compile(r"`((?:ihas|pipelines|service|tests|docs|deploy)/[\w./-]*\w)/?`")
MODULES = re.compile(r"`((?:ihas|pipelines|service)(?:\.[a-z_]\w*)+)")
LINKS = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def _names(pattern: re.Pattern[str], page: Path) -> set[str]:
    return set(pattern.findall(page.read_text(encoding="utf-8")))


def _is_module_or_member(name: str) -> bool:
    package = name.split(".")
    for length in range(len(package), 1, -1):
        if find_spec(".".join(package[: length - 1])) is not None and (ROOT / "/".join(package[:length])).with_suffix(".py").exists():
            return True
        if (ROOT / "/".join(package[:length])).is_dir():
            return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_and_links_of_a_page_exist(page: Path) -> None:
    """Every file that a page names from the root of the repository, and every file that it links to, is there."""
    named = sorted(name for name in _names(FILES, page) if not (ROOT / name).exists())
    linked = sorted(name for name in _names(LINKS, page) if not (page.parent / name).exists())
    assert (named, linked) == ([], [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_modules_of_a_page_exist(page: Path) -> None:
    """Every dotted name of ours begins with a module or folder that is there."""
    assert sorted(name for name in _names(MODULES, page) if not _is_module_or_member(name)) == []
