"""Texts of data and of strangers, made such that a terminal shows them and obeys none of them."""

from __future__ import annotations

import re

COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tab and line feed, what turns the direction of writing, and halves of characters."""


def harmless(text: str) -> str:
    """The text with `\\u001b` and the like in the place of what commands a terminal; in a JSON text it stays the same value."""
    return text if text.isprintable() else COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
