"""What the pages say about the repository is there: files, modules, links."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ihas
from tests.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = re.compile(r"`((?:ihas|pipelines|service|tests|docs|deploy)/[\w./-]*\w)/?`")
MODULES = re.compile(r"`((?:ihas|ihas_pipelines|ihas_service|pipelines|service)(?:\.[a-z_]\w*)+)")
FOLDERS = {"ihas": "ihas", "ihas_pipelines": "pipelines", "ihas_service": "service"}
"""Folder of each package; a page that names a module by its folder names nothing that can be imported."""
LINKS = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def _names(pattern: re.Pattern[str], page: Path) -> set[str]:
    return set(pattern.findall(page.read_text(encoding="utf-8")))


def _is_module_or_member(name: str) -> bool:
    if name.removeprefix("ihas.") in ihas.NAMES:
        return True
    package, *rest = name.split(".")
    if package not in FOLDERS:
        return False
    parts = [FOLDERS[package], *rest]
    for length in range(len(parts), 0, -1):
        path = ROOT / "/".join(parts[:length])
        if path.with_suffix(".py").is_file():
            return length == len(parts) or parts[length] in _members(path.with_suffix(".py"))
        if path.is_dir():
            return length == len(parts)
    return False


def _members(module: Path) -> set[str]:
    """Names that a module defines at its top level."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_and_links_of_a_page_exist(page: Path) -> None:
    """Every file that a page names from the root of the repository, and every file that it links to, is there."""
    named = sorted(name for name in _names(FILES, page) if not (ROOT / name).exists())
    linked = sorted(name for name in _names(LINKS, page) if not (page.parent / name).exists())
    assert (named, linked) == ([], [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_modules_of_a_page_exist(page: Path) -> None:
    """Every dotted name of ours is a module, a folder, or what a module defines."""
    assert sorted(name for name in _names(MODULES, page) if not _is_module_or_member(name)) == []
