"""How a file of rows is written."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ihas.config.base import Config, invalid

MAX_DELIMITER = 8
"""Characters between two cells."""
MAX_NAMES = 10_000
"""Columns of a file whose names are stated."""
Encoding = Literal["utf-8", "utf-16", "latin-1", "windows-1252", "windows-1251", "shift_jis", "gb18030", "big5", "euc-kr"]


class FileForm(Config):
    """How cells are written in a file."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=MAX_DELIMITER)
    """Delimiter of CSV cells. Without it, it is inferred from the header. Under one of several characters, such as `::`, quotes are plain
    characters of their cell."""
    quoting: bool = Field(default=True, exclude_if=lambda quoting: quoting is True)
    """Whether double quotes enclose CSV cells. `false` takes each quote as a character of its cell."""
    escape: str | None = Field(default=None, min_length=1, max_length=1, exclude_if=lambda escape: escape is None)
    """Character before a quote or delimiter of CSV that belongs to the cell, such as `\\`. Without it, quotes are doubled."""
    names: tuple[str, ...] = Field(default=(), max_length=MAX_NAMES, exclude_if=lambda names: not names)
    """Names of the columns of CSV files that have no header line."""
    encoding: Encoding = Field(default="utf-8", exclude_if=lambda encoding: encoding == "utf-8")
    """Character encoding of CSV files."""
    decimal: Literal[".", ","] = Field(default=".", exclude_if=lambda decimal: decimal == ".")
    """Character of CSV before a number's fraction."""
    thousands: Literal[".", ",", " ", "'", "_"] | None = Field(default=None, exclude_if=lambda thousands: thousands is None)
    """Character of CSV between groups of three digits."""

    @field_validator("delimiter", "escape", mode="before")
    @classmethod
    def _is_one_character(cls, value: Any, info: ValidationInfo) -> Any:
        most = MAX_DELIMITER if info.field_name == "delimiter" else 1
        if isinstance(value, str) and (not 1 <= len(value) <= most or value == "\\t"):
            way = "Write a tab itself, not \\t." if value == "\\t" else "Write the character alone."
            length = "one character" if most == 1 else f"1 to {most} characters"
            raise PydanticCustomError(
                "one_character", "{told}", {"told": f"`{info.field_name}` must be {length}, but got {value!r}. {way}"}
            )
        return value

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise invalid(f"`thousands` must differ from `decimal`, but both are {self.decimal!r}. Change one of them.")
        return self
