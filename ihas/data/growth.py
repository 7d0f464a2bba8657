"""Appended rows: how much they may change, and what they changed."""

from __future__ import annotations

from pydantic import Field

from ihas.config.base import Config
from ihas.data.schema import Schema


class GrowthLimits(Config):
    """How much appended rows may differ from the rows before; rows that differ more are refused. What is left out is not limited."""

    drift: float | None = Field(default=None, gt=0.0, le=100.0)
    """Highest population stability index of a field."""
    new_values: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Highest share of a field's cells whose value the rows before did not have."""
    missing: float | None = Field(default=None, ge=0.0, lt=1.0)
    """How much the share of a field's missing cells may grow, such as 0.2."""
    click_rate: float | None = Field(default=None, gt=0.0, le=1_000.0)
    """Highest relative difference of the click rate, such as 0.5 for half as high again or half as low."""


class FieldChange(Config):
    """What changed in one field."""

    column: str
    """Column name."""
    drift: float
    """Population stability index of the appended rows against the rows before."""
    by_chance: float
    """Index that 99 of 100 appends of this size stay below where nothing changes."""
    new_values: int
    """Different values that the rows before did not have; 0 for a numeric field."""
    new_share: float
    """Share of appended cells that hold such a value; of a numeric field, a number outside the range before."""
    missing_before: float
    """Share of missing cells in the rows before."""
    missing: float
    """Share of missing cells in the appended rows."""


class RateChange(Config):
    """What changed in the click rate."""

    before: float
    """Click rate of the rows before."""
    appended: float
    """Click rate of the appended rows."""
    low: float
    """Lower end of the 95 % interval of the difference, appended less before (Newcombe 1998)."""
    high: float
    """Upper end."""


class Changes(Config):
    """What appended rows changed."""

    rows_before: int
    """Rows before."""
    rows_appended: int
    """Appended rows."""
    click_rate: RateChange | None
    """Click rate; absent where rows have no label, or numbers for labels."""
    fields: tuple[FieldChange, ...]
    """Every field, in the table's order."""


class Before(Config):
    """A table before its last file was appended, which was found to be without errors."""

    columns: Schema
    """What each column was."""
    limits: GrowthLimits = GrowthLimits()
    """How much the appended rows may differ."""
