"""What people write down about a search."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from ihas.config.base import Config

MAX_NOTE, MAX_TAG, MAX_TAGS = 4_000, 40, 20
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TAG)]


class SearchNote(Config):
    """A note and tags, which take the place of those before."""

    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""
    """Text for people; empty for none."""
    tags: Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)] = ()
    """Words that searches are found by; each counts once."""

    @field_validator("tags")
    @classmethod
    def _each_once(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(tags))
