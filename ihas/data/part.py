"""A part of a column, as a report on a table tells it."""

from __future__ import annotations

from ihas.config.base import Config


class Part(Config):
    """A value of a column, or a range of its numbers."""

    value: str | None
    """The value; absent for a range."""
    start: float | None
    """Start of the range, which it holds; absent for a value."""
    end: float | None
    """End of the range, which only the last one holds."""
    rows: int
    """Rows; of a multi-valued column, rows that hold the value, each as often as it does."""
    clicks: int | None
    """Rows of them whose label is 1; absent where rows have no label."""
    low: float | None
    """Lower end of the click rate's 95 % interval (Wilson 1927)."""
    high: float | None
    """Upper end."""
