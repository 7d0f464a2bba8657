"""Contexts of requests, as they are kept: the JSON that was stated, and one form of it for comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from ihas.data.cells import cell_text

MAX_CONTEXT_BYTES = 8_192
"""Bytes of a context's JSON that are kept; a larger one is not kept at all, for a row of a part of it would be another row."""
MAX_USER = 255
"""Characters of a user's id that is kept beside a context."""
ENCODER = msgspec.json.Encoder()
SORTED = msgspec.json.Encoder(order="sorted")


def kept_context(context: Mapping[str, Any]) -> str | None:
    """The JSON of a context; None where it is too large."""
    try:
        written = ENCODER.encode(context)
    except (TypeError, ValueError, RecursionError):
        return None
    return None if len(written) > MAX_CONTEXT_BYTES else written.decode()


def user_of(field: str | None, context: Mapping[str, Any]) -> str | None:
    """The user that a context names, in the one form of its spellings; None where it names none that can be kept.

    Args:
        field: that names the user; None of a model that knows no users.
    """
    stated = None if field is None else context.get(field)
    text = cell_text(stated) if isinstance(stated, str | int | float) else None
    return None if text is None or len(text) > MAX_USER or not _is_plain(text) else text


def _is_plain(text: str) -> bool:
    """Whether a database can hold a text."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def read_context(kept: str) -> dict[str, Any]:
    """The context of a kept JSON."""
    found: dict[str, Any] = msgspec.json.decode(kept)
    return found


def digest(*parts: Any) -> str:
    """32 hexadecimal digits of JSON values, of which equal ones have equal digits."""
    return hashlib.blake2b(SORTED.encode(parts), digest_size=16).hexdigest()


def compared(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context in the one form that equal cells have, however they were spelt; what is missing is left out."""
    cells = {name: _cell(value) for name, value in context.items()}
    return {name: cell for name, cell in cells.items() if cell is not None}


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [text for text in map(cell_text, value) if text is not None]
    return cell_text(value)
