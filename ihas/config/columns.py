"""Settings of single columns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count

MAX_BUCKETS = 2**24
"""Buckets of a hashed field; each takes a row of the embedding table where training rows have it."""
Buckets = Annotated[int, Field(ge=2, le=MAX_BUCKETS, strict=True)]
MAX_DIM = 1_024
"""Numbers of a vector; each takes a column of the id matrix."""


class VectorColumn(Config):
    """What is known of a column of vectors."""

    dim: Annotated[int, Field(ge=1, le=MAX_DIM)] | None = None
    """Numbers of each vector. Without it, those of the first one."""


class TextColumn(Config):
    """How a text becomes several values, its words."""

    vocabulary: Buckets = 4_096
    """Number of buckets that words are hashed to; words of one bucket share an embedding."""
    max_words: Count = 16
    """Maximum number of different words read from a text, the first ones."""
