"""Settings `data.joined`: tables whose columns are added to each row by a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ihas.config.file_form import FileForm


class JoinedTable(FileForm):
    """A table with a row for each key, such as one of items or of users."""

    path: Path
    """CSV, Parquet or JSON-lines file, as `data.path`; or an `.npy` file, a matrix whose row number is the key."""
    key: Annotated[str, Field(min_length=1)]
    """Column of the main table whose cells are looked up."""
    named: str | None = None
    """Name of the key's column in this table. Without it, the name in the main table."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Columns that are added. Without it, all but the key; of an `.npy` file one, called as the file."""
    prefix: Annotated[str, Field(max_length=100)] = ""
    """Text before the names of the columns that are added."""
    format: Literal["auto", "csv", "parquet", "jsonl"] = "auto"
    """Format of the file. `auto`: by the suffix of its name."""
