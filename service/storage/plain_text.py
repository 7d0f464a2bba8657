"""Texts that every database holds: what a child or a file says may hold anything."""

from __future__ import annotations

from typing import Any


def plain_text(text: str) -> str:
    """The text with `\N{REPLACEMENT CHARACTER}` for the character of number 0, which PostgreSQL refuses, and for half a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain(value: Any) -> Any:
    """The same for every text in a JSON value, names included."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {plain(key): plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value
