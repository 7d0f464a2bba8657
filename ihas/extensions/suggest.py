"""The nearest known name, for error messages about an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_NAME = 100


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean `x`?` for the known name nearest to an unknown one; empty where none is near."""
    nearest = get_close_matches(name, list(known), n=1) if len(name) <= MAX_NAME else []
    return f" Did you mean `{nearest[0]}`?" if nearest else ""
