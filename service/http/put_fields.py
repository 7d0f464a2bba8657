"""Ids and fields of users and of items, as requests put them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihas.errors import RequestError
from ihas_service.storage.contexts import MAX_CONTEXT_BYTES, kept_context, user_of
from ihas_service.storage.plain_text import plain


def stated_id(noun: str, stated: str, pointer: str = "") -> str:
    """The id of a user or of an item, as it is kept.

    Raises:
        RequestError: it names nobody, or nothing.
    """
    found = user_of(noun, {noun: stated})
    if found is None:
        article = "an" if noun == "item" else "a"
        raise RequestError(f"`{noun}` must name {article} {noun}, but got {stated[:80]!r}.", pointer)
    return found


def named_once(noun: str, one: str, before: Mapping[str, Any], pointer: str) -> None:
    """Refuse a user or an item that a request names twice.

    Raises:
        RequestError: it is among those before.
    """
    if one in before:
        raise RequestError(f"Each {noun} must be named once, but {one[:80]!r} is named again.", pointer)


def kept_fields(fields: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
    """Fields as they are kept.

    Raises:
        RequestError: they are too large.
    """
    if kept_context(fields) is None:
        raise RequestError(f"`fields` must have at most {MAX_CONTEXT_BYTES:,} bytes as JSON. State fewer values.", pointer)
    found: Mapping[str, Any] = plain(dict(fields))
    return found
