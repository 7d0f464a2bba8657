"""Markdown of what programs say about themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\<>[]*_|#$"})


def escaped(text: str) -> str:
    """A text as one line of Markdown; what stands between backticks stays code."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:
        return "'".join(parts).translate(SPECIAL)
    return "`".join(part.replace("|", "\\|") if number % 2 else part.translate(SPECIAL) for number, part in enumerate(parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table and an empty one; none without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines, ""] if lines else []


def code(text: str) -> str:
    """A text as code in a table."""
    return f"`{text}`".replace("|", "\\|") if text else ""
