"""Settings `data`: where the rows are, and how to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ihas.config.base import Config


class SchemaConfig(Config):
    """What the user states about the columns; everything left out is inferred and shown."""

    label: str | None = None
    """Column that holds the click: 0 or 1."""
    categorical: tuple[str, ...] = ()
    """Columns to read as categories even where they look numeric."""
    numeric: tuple[str, ...] = ()
    """Columns to read as numbers; each is cut into buckets at its training quantiles."""
    multivalued: dict[str, str] = {}
    """Columns that hold several values in one cell, each with its separator."""
    histories: tuple[str, ...] = Field(default=(), exclude_if=lambda histories: not histories)
    """Multi-valued columns whose values are in order of time, oldest first: of a cell with too many, the newest are kept."""
    ignored: tuple[str, ...] = ()
    """Columns that no model may see."""
    item: tuple[str, ...] = ()
    """Columns that describe the item; every other field describes the context (user, time, place)."""
    item_id: str | None = None
    """Column whose value names the item; it has the role item."""
    time: str | None = None
    """Column that orders the rows for a split by time; it is not a field unless also listed as one."""


class InteractionColumns(Config):
    """Columns of a table of interactions, which is read as a sequence of items for each user."""

    user: str = "user"
    """Who."""
    item: str = "item"
    """Took what."""
    time: str | None = "time"
    """When: numbers, or ISO 8601 dates or times; without it, rows are in order of time."""


class DataConfig(Config):
    """Where the rows are, and how to read them."""

    path: Path
    """CSV, Parquet or JSON-lines file, optionally compressed with gzip or zstd."""
    valid_path: Path | None = None
    """File of validation rows with the same columns; without it they are drawn from `path`."""
    test_path: Path | None = None
    """File of test rows with the same columns; without it they are drawn from `path`."""
    format: Literal["auto", "csv", "parquet", "jsonl", "sequences"] = "auto"
    """Format of the files; `auto` goes by the file name's suffix. `sequences`: a user a line, then item ids, oldest first."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between CSV cells; without it, it is told from the header."""
    quoting: bool = Field(default=True, exclude_if=lambda quoting: quoting is True)
    """Whether double quotes enclose CSV cells; `false` takes each quote as a character of its cell."""
    escape: str | None = Field(default=None, min_length=1, max_length=1, exclude_if=lambda escape: escape is None)
    """Character of CSV that takes the meaning from a quote or delimiter behind it, such as `\\`; without it, quotes are doubled."""
    columns: SchemaConfig = SchemaConfig()
    """What is known about the columns."""
    interactions: InteractionColumns | None = None
    """Where set, the file is a table of interactions (who, what, when) and not of clicks."""

    @field_validator("delimiter", "escape", mode="before")
    @classmethod
    def _is_one_character(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str) and len(value) != 1:
            way = "Write a tab itself, not \\t." if value == "\\t" else "Write the character alone."
            raise PydanticCustomError("one_character", f"`{info.field_name}` must be one character, but got {value!r}. {way}")
        return value

    @property
    def holds_sequences(self) -> bool:
        """Whether the file is read as sequences of items, and not as rows with a label."""
        return self.format == "sequences" or self.interactions is not None
