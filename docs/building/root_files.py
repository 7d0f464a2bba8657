"""Files of the repository's root as pages of the site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
"""Pages of the site by the file that each shows."""
LINKS = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def root_lines(name: str) -> Iterable[str]:
    """Lines of a file without its title; links into `docs/` lead to the pages, links to files that are no pages become texts."""
    _, _, below = (ROOT / name).read_text(encoding="utf-8").partition("\n")
    return LINKS.sub(_led, below).splitlines()


def _led(link: re.Match[str]) -> str:
    text, target = link[1], link[2]
    if target.startswith(("http://", "https://", "#")):
        return link[0]
    if target in PAGES:
        return f"[{text}]({PAGES[target]})"
    return f"[{text}]({target.removeprefix('docs/')})" if target.startswith("docs/") else text
