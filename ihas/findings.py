"""What is wrong or odd in a table, as a value: errors carry it, reports list it."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config


class Finding(Config):
    """One thing that is wrong (error) or odd (warning) in a table."""

    code: str
    """Kind of finding, in snake case."""
    severity: Literal["error", "warning"]
    """An error stops a run."""
    message: str
    """The law, what was found instead and the way out, for a person."""
    row: int | None = None
    """Data row, counted from 1 without the header; absent for what concerns no single row."""
    column: str | None = None
    """Column name; absent for what concerns no single column."""
